"""Check 11 for authorities to prescribe: the steps that the log names lead to the state that the database shows."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import select

from rxauth.domain.audit import Event
from rxauth.domain.audit_findings import Finding
from rxauth.policy.authority import TRANSITIONS, Act, State
from rxauth.storage.database import Transaction
from rxauth.storage.tables.providers import provider_authorities as table
from rxauth.storage.tenancy import sql

_ACTS: Final[Mapping[str, Act]] = {
    Event.PROVIDER_PROPOSED: Act.PROPOSE,
    Event.PROVIDER_CHANGE_ASKED: Act.ASK_CHANGE,
    Event.PROVIDER_RESTORE_ASKED: Act.ASK_RESTORE,
    Event.PROVIDER_APPROVED: Act.APPROVE,
    Event.PROVIDER_CHANGED: Act.APPROVE,
    Event.PROVIDER_RESTORED: Act.APPROVE,
    Event.PROVIDER_REJECTED: Act.REJECT,
    Event.PROVIDER_SUSPENDED: Act.SUSPEND,
    Event.PROVIDER_LIMITED: Act.LIMIT,
    Event.PROVIDER_REVOKED: Act.REVOKE,
}
_STORED = sql(
    select(table.c.organization_id, table.c.user_id, table.c.state, table.c.proposed_by, table.c.approved_by),
    across_tenants="the whole log is compared with what it says was done",
)
_Key = tuple[Any, Any]  # an organization and a person


class Authorities:
    """Follows each authority through the log."""

    def __init__(self) -> None:
        self._states: dict[_Key, State] = {}
        self._approvers: dict[_Key, tuple[Any, Any]] = {}
        self._problems: list[str] = []

    def add_entry(self, seq: int, record: Mapping[str, Any]) -> None:
        """Takes the step that an entry of success names, if it is one of an authority."""
        act = _ACTS.get(str(record.get("event")))
        if act is None:
            return
        key = record.get("organization_id"), record.get("target")
        before = self._states.get(key)
        # A proposal or an authority may have ended by its date, which nothing records.
        after = TRANSITIONS.get((before, act)) or TRANSITIONS.get((before and State.EXPIRED, act))
        if after is None:
            self._problems.append(f"entry {seq}: an authority that is {before or 'not proposed'} cannot have this act")
            return
        self._states[key] = after
        if act is Act.APPROVE:
            self._approvers[key] = record.get("first_by"), record.get("second_by")

    def finish(self, transaction: Transaction, finding: Finding) -> None:
        """Compares where they ended with what the database shows."""
        for problem in self._problems:
            finding.add(problem)
        shown = {(row.organization_id, row.user_id): row for row in transaction.all(_STORED)}
        for key, row in shown.items():
            said = self._states.pop(key, None)
            if row.state != said:
                finding.add(f"the authority of {key[1]} is {row.state}, and the entries say {said or 'nothing'}")
            elif (row.proposed_by, row.approved_by) != self._approvers.get(key, (None, None)):
                finding.add(f"the authority of {key[1]} names other people than the entries")
        for _, user_id in self._states:
            finding.add(f"entries speak of an authority of {user_id}, and there is none")
