"""What the audit log says of authorities to prescribe: enough to judge the rule of two people by the log alone."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from rxauth.domain import audit, changes, provider_history
from rxauth.domain.audit import Actor, Event
from rxauth.domain.providers import AuthorityRefusedError, Proposal, Provider
from rxauth.policy.authority import Act, Doer, Standing
from rxauth.storage.database import Transaction

EVENTS: Final = MappingProxyType(
    {
        Act.PROPOSE: Event.PROVIDER_PROPOSED,
        Act.ASK_CHANGE: Event.PROVIDER_CHANGE_ASKED,
        Act.ASK_RESTORE: Event.PROVIDER_RESTORE_ASKED,
        Act.REJECT: Event.PROVIDER_REJECTED,
        Act.SUSPEND: Event.PROVIDER_SUSPENDED,
        Act.LIMIT: Event.PROVIDER_LIMITED,
        Act.REVOKE: Event.PROVIDER_REVOKED,
    }
)
# An approval is recorded by what was proposed.
APPROVALS: Final = MappingProxyType(
    {
        Act.PROPOSE: Event.PROVIDER_APPROVED,
        Act.ASK_CHANGE: Event.PROVIDER_CHANGED,
        Act.ASK_RESTORE: Event.PROVIDER_RESTORED,
    }
)


def asked(transaction: Transaction, proposal: Proposal, doer: Doer, after: Provider) -> None:
    """Records a proposal."""
    done(transaction, proposal.act, doer, after, {"proposal_id": proposal.id, **_proven(doer)})


def approved(transaction: Transaction, proposal: Proposal, standing: Standing, doer: Doer, after: Provider) -> None:
    """Records an approval with everything that the rule of two people was judged by."""
    details: dict[str, str | int] = {
        "proposal_id": proposal.id,
        "first_by": proposal.asked_by,
        "second_by": doer.name,
        "asked_at": proposal.asked_at,
        "members": standing.members,
        "solo": int(standing.solo),
        **_proven(doer),
    }
    _record(transaction, APPROVALS[proposal.act], doer, after, details)


def done(transaction: Transaction, act: Act, doer: Doer, after: Provider, details: Mapping[str, str | int]) -> None:
    """Records any other act, in its transaction, and has every process forget what the person could do before."""
    _record(transaction, EVENTS[act], doer, after, details)


def followed(transaction: Transaction, act: Act, after: Provider, details: Mapping[str, str | int]) -> None:
    """Records what another act of this transaction brought about."""
    _write(transaction, EVENTS[act], audit.CONSEQUENCE, after, details)


def refused(
    transaction: Transaction, error: AuthorityRefusedError, organization_id: str, user_id: str, *, doer: Doer, now: int
) -> None:
    """Records that an act was refused; its own transaction was rolled back, so this is another one."""
    record = audit.Act(Event.PROVIDER_REFUSED, _actor(doer), organization_id, user_id, reason=error.code)
    audit.record(transaction, record, now * 1_000_000)


def _record(
    transaction: Transaction, event: Event, doer: Doer, after: Provider, details: Mapping[str, str | int]
) -> None:
    _write(transaction, event, _actor(doer), after, details)


def _write(
    transaction: Transaction, event: Event, actor: Actor, after: Provider, details: Mapping[str, str | int]
) -> None:
    act = audit.Act(event, actor, after.organization_id, after.user_id, details=details)
    audit.record(transaction, act, after.changed_at * 1_000_000)
    provider_history.add(transaction, event, actor, after, details)
    changes.record(transaction, changes.ChangeKind.PERSON, after.user_id, after.changed_at)


def _actor(doer: Doer) -> Actor:
    if doer.is_operator:
        return audit.OPERATOR
    return Actor("person", doer.user_id) if doer.user_id is not None else Actor("client", doer.client_id)


def _proven(doer: Doer) -> Mapping[str, int]:
    """Says when the second factor was proven; the operator has none to prove."""
    return {} if doer.second_factor_at is None else {"second_factor_at": doer.second_factor_at}
