"""Who makes a request: as policy judges who acts on an authority, and as the audit log names them."""

from typing import Final

from rxauth.api.context import Context
from rxauth.domain import factors
from rxauth.domain.audit import Actor
from rxauth.policy.assurance import AAL2, Wanted
from rxauth.policy.authority import FRESH_S, Doer
from rxauth.policy.subjects import Caller, MachineSubject
from rxauth.storage.database import Transaction

TWO_FACTORS: Final = Wanted(AAL2, FRESH_S)


def doer(caller: Caller) -> Doer:
    """Returns the caller as policy judges it; what a person still holds is read again where it is judged."""
    if isinstance(caller.subject, MachineSubject):
        return Doer(None, caller.permissions, client_id=caller.client_id)
    proven = caller.authentication
    second_factor_at = proven.at if proven is not None and proven.acr == AAL2 else None
    return Doer(caller.subject.user_id, caller.permissions, second_factor_at)


def actor(caller: Caller) -> Actor:
    """Returns the caller as a record names it."""
    if isinstance(caller.subject, MachineSubject):
        return Actor("client", caller.client_id)
    return Actor("person", caller.subject.user_id)


def require_second_factor(context: Context, transaction: Transaction) -> None:
    """Asks of a person who has a second factor that it was proven lately; nobody else has one to be asked for.

    Raises:
        StepUpError: see there.
    """
    user_id = context.user_id
    if user_id is not None and factors.has_second(transaction, user_id):
        context.require_authentication(TWO_FACTORS)
