"""What becomes of an authority when its provider leaves the organization, or loses what proves who signs."""

from dataclasses import replace

from rxauth.domain import provider_records, provider_store, providers
from rxauth.domain.provider_acts import Reason
from rxauth.policy import authority
from rxauth.policy.authority import Act, State
from rxauth.storage.database import Transaction

# A suspended authority stays so: what was proposed to give it back falls.
_ENDS = {State.APPROVED: Act.SUSPEND, State.PROPOSED: Act.REJECT, State.SUSPENDED: Act.REJECT}


def leave(transaction: Transaction, organization_id: str, user_id: str, now: int) -> None:
    """Suspends the authority of whoever leaves, and drops what was proposed; who comes back needs two people again."""
    before = providers.lock(transaction, organization_id, user_id)
    act = None if before is None else _ENDS.get(before.state)
    if before is None or act is None or (before.state is State.SUSPENDED and before.proposal is None):
        return
    state = authority.TRANSITIONS[before.state, act]
    kept = before.reason if before.state is State.SUSPENDED else Reason.LEFT
    after = replace(before, state=state, reason=kept, proposal=None, changed_at=now)
    provider_store.store(transaction, after)
    details = {} if before.proposal is None else {"proposal_id": before.proposal.id}
    provider_records.followed(transaction, act, after, {**details, "why": Reason.LEFT})


def lose_factors(transaction: Transaction, organization_id: str, user_id: str, now: int) -> None:
    """Suspends the authority of whoever lost their second factors, until two people give it back."""
    before = providers.lock(transaction, organization_id, user_id)
    if before is None or before.state is not State.APPROVED:
        return
    state = authority.TRANSITIONS[before.state, Act.SUSPEND]
    after = replace(before, state=state, reason=Reason.FACTOR_LOST, proposal=None, changed_at=now)
    provider_store.store(transaction, after)
    details = {} if before.proposal is None else {"proposal_id": before.proposal.id}
    provider_records.followed(transaction, Act.SUSPEND, after, {**details, "why": Reason.FACTOR_LOST})
