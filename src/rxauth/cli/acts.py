"""What the operator does: each act in one transaction with its audit record."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rxauth.domain.audit import Event
    from rxauth.domain.mails import Outbox
    from rxauth.domain.operator_acts import By
    from rxauth.settings import Settings
    from rxauth.storage.database import Transaction

Result = TypeVar("Result")


def recorded(
    event: "Event",
    work: "Callable[[Transaction, int], tuple[str, str, Result]]",
    chosen: "Settings | None" = None,
) -> Result:
    """Runs an administrative act and records it in the same transaction.

    work: returns the organization, the identifier of what it acted on, and its result; the organization is empty if
    there is none. chosen: the settings, if they were read already.
    """
    from rxauth.cli.installation import write
    from rxauth.clock import Clock
    from rxauth.domain import audit

    clock = Clock()

    def both(transaction: "Transaction") -> Result:
        organization_id, target, result = work(transaction, clock.seconds())
        act = audit.Act(event, audit.OPERATOR, organization_id or None, target)
        audit.record(transaction, act, clock.microseconds())
        return result

    return write(both, chosen)


def operator() -> "By":
    """Returns who acts at the command line, now."""
    from rxauth.clock import Clock
    from rxauth.domain import audit
    from rxauth.domain.operator_acts import By

    return By(audit.OPERATOR, Clock().microseconds())


def outbox(settings: "Settings") -> "Outbox":
    """Returns where the letters of an installation are put."""
    from rxauth.domain.mails import Outbox

    return Outbox(settings.issuer, settings.sealing_key)


def say_how_letters_leave(settings: "Settings") -> None:
    """Says when a letter that was queued leaves."""
    from rxauth.cli.installation import is_sandbox
    from rxauth.edge.addresses import MAIL_PATH

    if is_sandbox():
        sentence = f"The letter is at {settings.issuer.rstrip('/')}{MAIL_PATH}: a sandbox sends none."
    elif settings.smtp_url is not None:
        sentence = "The letter is on its way: a running server hands it to the mail server."
    else:
        sentence = "The letter waits: set RXAUTH_SMTP_URL, and a running server sends it."
    print(sentence, file=sys.stderr)
