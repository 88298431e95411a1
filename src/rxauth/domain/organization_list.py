"""Organizations as the operator sees them: found by name or identifier, how big, and managed by whom; no records."""

from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import bindparam, func, select

from rxauth.domain.clients import MACHINE
from rxauth.domain.paging import FROM_THE_START, Page
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from rxauth.storage.tables.access import clients
from rxauth.storage.tables.access import organizations as table
from rxauth.storage.tables.people import invites, membership_roles, memberships, users
from rxauth.storage.tenancy import sql

ADMINISTRATORS_SHOWN: Final = 20
_COLUMNS = (table.c.id, table.c.name, table.c.created_at, table.c.disabled_at)
_PAGE = select(*_COLUMNS).where(table.c.id < bindparam("before")).order_by(table.c.id.desc()).limit(bindparam("rows"))
_ALL = sql(_PAGE)
_NAMED = sql(_PAGE.where(func.lower(table.c.name).like(bindparam("pattern"), escape="\\")))
_BEGINNING = sql(_PAGE.where(table.c.id >= bindparam("prefix")))
_PEOPLE = sql(
    select(func.count()).select_from(memberships).where(memberships.c.organization_id == bindparam("organization_id"))
)
_ADMINISTRATORS = sql(
    select(users.c.email)
    .join(membership_roles, membership_roles.c.user_id == users.c.id)
    .where(
        membership_roles.c.organization_id == bindparam("organization_id"),
        membership_roles.c.role == Role.ADMINISTRATOR,
        users.c.disabled_at.is_(None),
    )
    .order_by(users.c.id)
    .limit(bindparam("rows"))
)
_INVITED = sql(
    select(invites.c.email, invites.c.expires_at)
    .where(
        invites.c.organization_id == bindparam("organization_id"),
        invites.c.roles == Role.ADMINISTRATOR,
        invites.c.accepted_at.is_(None),
        invites.c.revoked_at.is_(None),
        invites.c.expires_at > bindparam("moment"),
    )
    .order_by(invites.c.id.desc())
    .limit(bindparam("rows"))
)
_CLIENTS = sql(
    select(clients.c.id, clients.c.app_type, clients.c.disabled_at)
    .where(clients.c.organization_id == bindparam("organization_id"))
    .order_by(clients.c.id)
)


@dataclass(frozen=True, slots=True)
class Line:
    """An organization in a list. disabled_at None: it is not. Times: UTC seconds."""

    id: str
    name: str
    created_at: int
    disabled_at: int | None


@dataclass(frozen=True, slots=True)
class Size:
    """How big an organization is, and who manages it. clients: those that are not disabled.

    machine_client: its identifier, None if there is none; invited: who is asked to manage it, and until when.
    """

    people: int
    clients: int
    machine_client: str | None
    is_machine_disabled: bool
    administrators: tuple[str, ...] = field(repr=False)
    invited: tuple[tuple[str, int], ...] = field(repr=False)


def search(transaction: Transaction, words: str, page: Page) -> list[Line]:
    """Returns a page of the organizations whose name has these words, or whose identifier begins with them."""
    asked: dict[str, Any] = {"before": page.before, "rows": page.rows}
    words = words.strip()
    if words.casefold().startswith("org_"):
        prefix = f"org_{words[4:].upper()}"
        asked["before"] = min(page.before, prefix + FROM_THE_START)
        return [Line(*row) for row in transaction.all(_BEGINNING, prefix=prefix, **asked)]
    if words:
        return [Line(*row) for row in transaction.all(_NAMED, pattern=f"%{_escaped(words)}%", **asked)]
    return [Line(*row) for row in transaction.all(_ALL, **asked)]


def size(transaction: Transaction, organization_id: str, now: int) -> Size:
    """Counts what an organization has."""
    owner = {"organization_id": organization_id, "rows": ADMINISTRATORS_SHOWN}
    its_clients = transaction.all(_CLIENTS, organization_id=organization_id)
    machine = next((one for one in its_clients if one.app_type == MACHINE), None)
    return Size(
        people=transaction.first(_PEOPLE, organization_id=organization_id)[0],
        clients=sum(one.disabled_at is None for one in its_clients),
        machine_client=None if machine is None else machine.id,
        is_machine_disabled=machine is not None and machine.disabled_at is not None,
        administrators=tuple(row.email for row in transaction.all(_ADMINISTRATORS, **owner)),
        invited=tuple((row.email, row.expires_at) for row in transaction.all(_INVITED, **owner, moment=now)),
    )


def _escaped(words: str) -> str:
    r"""Returns a text as a pattern finds it, without regard to the case of A to Z, which both engines fold alike."""
    folded = "".join(letter.lower() if letter.isascii() else letter for letter in words)
    return folded.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
