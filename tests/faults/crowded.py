"""F08: statements that stand still take every connection that reads; what needs none of them goes on."""

import statistics
import time

from tests.faults import kept
from tests.faults.load import READ, Came, Client, Somebody
from tests.faults.operations import INFO, OK, Operation
from tests.faults.rig import Outcome, Place, Rig
from tests.faults.works import Machine, Person, Work

LOCKED_S = 15.0
CROWD = 12
SHARE = 0.9  # of what the others ask for must be done


def run(place: Place) -> Outcome:
    """Runs it: the table of patients is locked, and a crowd asks for patients."""
    with Rig(place, "F08", servers=("as1", "as2")) as rig:
        clinic = rig.clinic
        works: list[Work] = [Machine(reads=False), Person(clinic.ann, uses=False), Person(clinic.bob, uses=False)]
        with rig.load([*works, *(Reader(clinic.ann) for _ in range(CROWD))]):
            time.sleep(3)
            counted_at = time.monotonic()
            time.sleep(LOCKED_S)
            with kept.connected(str(rig.cluster.folder), clinic.name) as connection:
                connection.execute("BEGIN; LOCK TABLE patients IN ACCESS EXCLUSIVE MODE")
                rig.inject(f"the table of patients locked for {LOCKED_S:g} s, and {CROWD} clients who ask for it")
                locked_at = time.monotonic()
                time.sleep(LOCKED_S)
                connection.execute("ROLLBACK")
            freed_at = time.monotonic()
            recovery_s = rig.recovered(freed_at, ("token", "read", "refresh", "exchange code"))
        outcome = rig.outcome("machines and people at work beside a crowd that reads what is locked")
        outcome.figures["recovery"] = f"{recovery_s:.2f} s"
        for kind in ("token", "refresh", "exchange code"):
            before = _done(outcome, kind, counted_at, locked_at)
            during = _done(outcome, kind, locked_at, freed_at)
            sent_away = _sent_away(outcome, kind, locked_at, freed_at)
            took = [one.ended - one.began for one in during if one.ended is not None]
            outcome.figures[f"{kind} while locked"] = (
                f"{len(during)}, {len(before)} before, {statistics.median(took):.2f} s at the median"
                if took
                else f"none, {len(before)} before"
            )
            if not during or len(during) < SHARE * (len(during) + sent_away):
                outcome.missed.append(f"{kind} had no share of its own: {len(during)} done, {sent_away} not")
        return outcome


class Reader:
    """Somebody who asks for patients, again and again."""

    def __init__(self, user_id: str) -> None:
        self._user_id = user_id
        self._me: Somebody | None = None

    def __call__(self, client: Client) -> None:
        """Does it once."""
        self._me = self._me or client.sign_in(self._user_id)
        if self._me is not None:
            client.ask("read", client.graphql(self._me.access, READ), lambda _content: Came())
            client.pause(0.02)


def _done(outcome: Outcome, kind: str, began: float, ended: float) -> list[Operation]:
    return [
        one
        for one in outcome.history
        if one.kind == kind and one.outcome == OK and one.ended is not None and began < one.ended < ended
    ]


def _sent_away(outcome: Outcome, kind: str, began: float, ended: float) -> int:
    """Counts what nobody answered meanwhile, or answered as what a server cannot do now."""
    asked = [one for one in outcome.history if one.kind == kind and began < one.began < ended]
    return sum(one.outcome == INFO or one.status in {0, 429} for one in asked)
