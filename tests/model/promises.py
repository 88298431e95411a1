"""What must hold whatever happens, said a second time without the policy that the model asks."""

from rxauth.policy.authority import OPERATOR, Act, State
from rxauth.policy.licences import LicenceStatus
from tests.model.facts import LICENCES, MACHINE, MOMENTS, NOTHING, PROVIDER, Clinic, Row, proven_at

_FIVE_MINUTES = 300
_A_WEEK = 7 * 86_400


def of_prescription(who: str, row: Row, now: int) -> str | None:
    """Says what a prescription breaks that commits while `row` is what is committed; now: the moment it was signed."""
    if who == MACHINE:
        return "5: a machine prescribed"
    if row.state is not State.APPROVED or not row.has_role:
        now_is = row.state if row.has_role else "left without role"
        return f"3: a prescription is committed after the authority was {now_is}"
    if not _holds(row.facts, now):
        return "3: a prescription is committed after its licence ended"
    return None


def of_act(act: Act, who: str, judged: Row | None, row: Row) -> str | None:
    """Says what an act breaks that commits while `row` is what is committed; judged: what it had read."""
    if judged != row:
        return f"an act is committed on what it did not judge: {act} takes back what was done meanwhile"
    return "authority is given by a machine" if who == MACHINE and act not in _BY_ONE else None


def of_approval(row: Row, seen: int, who: str, now: int, clinic: Clinic, *, is_listed: bool) -> str | None:
    """Says what an approval breaks; seen: what the second person was shown.

    is_listed: what the register said at the moment of the approval.
    """
    proposal = row.proposal
    if proposal is None or proposal.number != seen:
        return "7: what was approved is not what the second person was shown"
    if not is_listed or not _holds(proposal.facts, now):
        return "2, 7: authority is given on facts that no longer hold"
    if proposal.number <= row.stopped:
        return "7: what was proposed before authority was taken gives it back"
    if MOMENTS[now] - MOMENTS[proposal.at] >= _A_WEEK:
        return "7: an old proposal was approved"
    return _of_two(proposal.by, who, now, clinic)


def _of_two(first: str, second: str, now: int, clinic: Clinic) -> str | None:
    if first == second or MACHINE in {first, second}:
        return "1: authority is given without two people"
    if second == PROVIDER and not clinic.is_solo:
        return "1: the provider is the second person"
    if second == OPERATOR:
        return None if clinic.members == 1 else "1: the operator is the second person where there are members"
    proven = proven_at(second, now)
    if proven is None or MOMENTS[now] - proven > _FIVE_MINUTES:
        return "1: the second person's second factor is stale"
    return None


def _holds(facts: int, now: int) -> bool:
    if facts == NOTHING:
        return False
    licence = LICENCES[facts]
    return licence.status is LicenceStatus.ACTIVE and MOMENTS[now] < licence.ends_at


_BY_ONE = frozenset({Act.REJECT, Act.SUSPEND, Act.REVOKE, Act.LIMIT})
