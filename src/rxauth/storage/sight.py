"""Sight: whose rows a transaction sees. Row-level security on PostgreSQL goes by it, the second lock after the guard.

It lasts as long as the transaction: `SET LOCAL` leaves nothing behind on a connection that others get next.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rxauth.storage.tenancy import Statement, TenancyError

ACROSS_ROLE: Final = "rxauth_across"  # sees the rows of every organization, for as long as one statement needs it
ORGANIZATION_SETTING: Final = "rxauth.organization"
_IDENTIFIER: Final = re.compile("[A-Za-z0-9_-]+")


@dataclass(slots=True)
class Sight:
    """What a transaction sees now. is_fixed: it was begun for this organization, and turns to no other."""

    organization_id: str | None = None
    is_fixed: bool = False
    is_across: bool = False

    def turn_to(self, statement: Statement, values: Any) -> str:
        """Turns to what a statement needs; returns what PostgreSQL has to be told before it, "" if nothing.

        Raises:
            TenancyError: the transaction was begun for another organization.
        """
        if statement.is_across:
            return self._across()
        if statement.owner is None:
            return "; ".join(self._back())
        owners = _owners(statement.owner, values)
        if self.is_fixed and owners != {self.organization_id}:
            raise TenancyError("a transaction of one organization has a statement for another")
        return self._one(owners.pop()) if len(owners) == 1 else self._across()

    def _across(self) -> str:
        if self.is_across:
            return ""
        self.is_across = True
        return f"SET LOCAL ROLE {ACROSS_ROLE}"

    def _back(self) -> list[str]:
        told = ["SET LOCAL ROLE NONE"] if self.is_across else []
        self.is_across = False
        return told

    def _one(self, organization_id: str) -> str:
        told = self._back()
        if organization_id != self.organization_id:
            told.append(of_organization(organization_id))
            self.organization_id = organization_id
        return "; ".join(told)


def of_organization(organization_id: str) -> str:
    """Returns what PostgreSQL is told so that it shows the rows of one organization: none, if none is named so."""
    name = organization_id if _IDENTIFIER.fullmatch(organization_id) else ""
    return f"SET LOCAL {ORGANIZATION_SETTING} = '{name}'"


def _owners(key: str, values: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> set[str]:
    rows = (values,) if isinstance(values, Mapping) else values
    return {str(one[key]) for one in rows}
