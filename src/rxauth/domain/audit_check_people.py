"""Check 12: the log alone shows that authority to prescribe was given by two people (21 CFR 1311.125)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from rxauth.domain.audit import Event
from rxauth.domain.audit_findings import Finding
from rxauth.policy.authority import FRESH_S, OPERATOR, PROPOSAL_LIFETIME_S

_ASKED: Final = frozenset({Event.PROVIDER_PROPOSED, Event.PROVIDER_CHANGE_ASKED, Event.PROVIDER_RESTORE_ASKED})
_GIVEN: Final = frozenset({Event.PROVIDER_APPROVED, Event.PROVIDER_CHANGED, Event.PROVIDER_RESTORED})
_ENDED: Final = frozenset({Event.PROVIDER_REJECTED, Event.PROVIDER_SUSPENDED, Event.PROVIDER_REVOKED})
WATCHED: Final = _ASKED | _GIVEN | _ENDED


@dataclass(frozen=True, slots=True)
class _Asked:
    """A proposal that waits for a second person."""

    id: str
    by: str
    at_us: int


class TwoPeople:
    """Remembers what was proposed until it is decided: one proposal for each provider at most."""

    def __init__(self, finding: Finding) -> None:
        self._finding = finding
        self._asked: dict[tuple[Any, Any], _Asked] = {}

    def add_entry(self, seq: int, record: Mapping[str, Any], at_us: int) -> None:
        """Judges an act about an authority."""
        event, provider = record.get("event"), (record.get("organization_id"), record.get("target"))
        if record.get("outcome") != "success":
            return
        if event in _ASKED | _GIVEN:
            self._judge_proof(f"entry {seq}", record, at_us // 1_000_000)
        if event in _ASKED:
            self._asked[provider] = _Asked(str(record.get("proposal_id")), _actor(record), at_us)
        elif event in _GIVEN:
            self._judge(f"entry {seq}", record, self._asked.pop(provider, None), at_us)
        elif event in _ENDED:
            self._asked.pop(provider, None)

    def _judge(self, here: str, record: Mapping[str, Any], asked: _Asked | None, at_us: int) -> None:
        first, second = record.get("first_by"), record.get("second_by")
        if asked is None or record.get("proposal_id") != asked.id:
            self._finding.add(f"{here} gives authority that no entry before it proposed")
            return
        if first == second:
            self._finding.add(f"{here} gives authority that one person proposed and approved")
        if second == record.get("target") and record.get("solo") != 1:
            self._finding.add(f"{here} gives authority that its provider approved")
        if second == OPERATOR and record.get("members") != 1:
            self._finding.add(f"{here} gives authority that the operator approved, and there were members to do so")
        if (first, second) != (asked.by, _actor(record)):
            self._finding.add(f"{here} names other people than those who acted")
        if at_us - asked.at_us >= PROPOSAL_LIFETIME_S * 1_000_000:
            self._finding.add(f"{here} gives authority by a proposal that was too old")

    def _judge_proof(self, here: str, record: Mapping[str, Any], at: int) -> None:
        """Judges who acted; at: UTC seconds."""
        proven_at = record.get("second_factor_at")
        if _actor(record) == OPERATOR:
            return
        if not isinstance(proven_at, int) or not 0 <= at - proven_at <= FRESH_S:
            self._finding.add(f"{here} is of somebody who had not just proven two factors")


def _actor(record: Mapping[str, Any]) -> str:
    """Returns who acted: an identifier, or "operator"."""
    actor = record.get("actor")
    if not isinstance(actor, dict):
        return ""
    return str(actor.get("id") or actor.get("kind"))
