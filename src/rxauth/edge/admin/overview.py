"""The console's first page: how the installation is, and the process that answers."""

from dataclasses import dataclass
from typing import Final

import rxauth
from rxauth.domain import console
from rxauth.domain.health import COUNTED, NUMBERED_WITHIN_S, SENT_WITHIN_S, Health, Queue
from rxauth.domain.operators import CONSOLE_PATH
from rxauth.edge.admin.sections import Asking, Page, Values
from rxauth.edge.context import Edge


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the page. since: of the oldest that waits, UTC seconds; None: nothing waits, or nobody asks."""

    name: str
    is_fine: bool
    said: str
    since: int | None = None


def _values(asking: Asking) -> Values:
    health = console.overview(asking.transaction, asking.operator, asking.now)
    return {"version": rxauth.__version__, "checks": [*_parts(asking.edge, health), *_queues(asking, health)]}


def _parts(edge: Edge, health: Health) -> list[Check]:
    feed = edge.server.feed
    silent_s = int(feed.silent_s())
    ago = "less than a second" if silent_s == 0 else f"{silent_s} second{'' if silent_s == 1 else 's'}"
    clock = "Agrees with the database's" if health.is_clock_right else "More than five minutes from the database's"
    is_current = health.revision == health.wanted_revision
    return [
        Check("Database", is_current, f"{health.engine}, tables of revision {health.revision}"),
        Check("Clock", health.is_clock_right, clock),
        Check("Change feed", feed.is_fresh(), f"Heard from the database {ago} ago"),
    ]


def _queues(asking: Asking, health: Health) -> list[Check]:
    edge, now = asking.edge, asking.now
    letters = "" if edge.mail_sender is not None else "; no mail server is set"
    dispatches = "" if edge.dispatch_sender is not None else "; no pharmacy network is set"
    over = health.not_ended.waiting
    return [
        _queue("Audit log", health.not_numbered, ("record waits", "records wait"), now - NUMBERED_WITHIN_S),
        _queue("Letters", health.letters, ("letter waits", "letters wait"), now - SENT_WITHIN_S, letters),
        _queue("Webhooks", health.deliveries, ("delivery waits", "deliveries wait")),
        _queue("Pharmacies", health.dispatches, ("dispatch waits", "dispatches wait"), more=dispatches),
        Check(
            "Prescriptions",
            over < COUNTED,
            f"{_number(over)} over and not stored so yet" if over else "All that are over are stored so",
        ),
    ]


def _queue(name: str, queue: Queue, words: tuple[str, str], late_before: int = 0, more: str = "") -> Check:
    """Returns the line of a queue. words: of one, and of several; late_before: what has waited since then is late."""
    said = f"{_number(queue.waiting)} {words[queue.waiting != 1]}" if queue.waiting else "Nothing waits"
    given_up = f", {_number(queue.given_up)} given up" if queue.given_up else ""
    is_late = queue.waiting >= COUNTED or (queue.since is not None and queue.since < late_before)
    return Check(name, not is_late and not queue.given_up, f"{said}{given_up}{more}", queue.since)


def _number(number: int) -> str:
    return f"{number:,}" if number < COUNTED else f"{COUNTED:,} or more"


OVERVIEW: Final = Page(CONSOLE_PATH, "overview", "admin_overview.html", _values)
