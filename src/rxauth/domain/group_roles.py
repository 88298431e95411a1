"""Which groups of somebody else's directory stand for which roles here; never for an authority to prescribe."""

from collections.abc import Iterable, Mapping
from typing import Final

from sqlalchemy import bindparam, delete, select

from rxauth.domain.errors import InvalidError
from rxauth.policy import giving
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from rxauth.storage.tables.federation import group_roles as table
from rxauth.storage.tenancy import insert_row, sql

SCIM: Final = "scim"  # the source of groups that SCIM provisions; any other source is a connection
GROUPS_LIMIT: Final = 200
GROUP_LIMIT_CHARACTERS: Final = 256
_INSERT = insert_row(table)
_MINE = (table.c.organization_id == bindparam("organization_id"), table.c.source == bindparam("source"))
_ALL = sql(select(table.c.group_name, table.c.role).where(*_MINE).order_by(table.c.group_name, table.c.role))
_OF_GROUPS = sql(
    select(table.c.role).where(*_MINE, table.c.group_name.in_(bindparam("groups", expanding=True))).distinct()
)
_DELETE = sql(delete(table).where(*_MINE))


def of_source(transaction: Transaction, organization_id: str, source: str) -> dict[str, frozenset[Role]]:
    """Returns what each group of a source stands for, by the group's name."""
    found: dict[str, frozenset[Role]] = {}
    for row in transaction.all(_ALL, organization_id=organization_id, source=source):
        found[row.group_name] = found.get(row.group_name, frozenset()) | {Role(row.role)}
    return found


def roles_of(transaction: Transaction, organization_id: str, source: str, groups: Iterable[str]) -> frozenset[Role]:
    """Returns the roles that somebody in these groups has by them."""
    names = list(dict.fromkeys(groups))
    if not names:
        return frozenset()
    rows = transaction.all(_OF_GROUPS, organization_id=organization_id, source=source, groups=names)
    return frozenset(Role(row.role) for row in rows)


def replace(transaction: Transaction, organization_id: str, source: str, wanted: Mapping[str, Iterable[Role]]) -> None:
    """Says anew what the groups of a source stand for.

    Raises:
        InvalidError: a name of a group that is none, too many, or a role that no group gives.
    """
    rows = [
        {"organization_id": organization_id, "source": source, "group_name": group, "role": role}
        for group, roles in wanted.items()
        for role in frozenset(roles)
    ]
    if len(wanted) > GROUPS_LIMIT:
        raise InvalidError(f"at most {GROUPS_LIMIT} groups can stand for roles", "groups")
    if any(not group.strip() or len(group) > GROUP_LIMIT_CHARACTERS for group in wanted):
        raise InvalidError(f"a group has a name of 1 to {GROUP_LIMIT_CHARACTERS} characters", "groups")
    refused = next((found for row in rows if (found := giving.mapping_refusal(Role(row["role"]))) is not None), None)
    if refused is not None:
        raise InvalidError(refused.reason, "groups")
    transaction.run(_DELETE, organization_id=organization_id, source=source)
    transaction.run_many(_INSERT, rows)
