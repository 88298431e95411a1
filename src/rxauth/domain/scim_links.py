"""What signing in and invites ask of SCIM: who accepted, and whom the identity provider took away."""

from typing import Final

from sqlalchemy import bindparam, or_, select, update

from rxauth.domain import users
from rxauth.storage.database import Transaction
from rxauth.storage.tables.scim import scim_emails
from rxauth.storage.tables.scim import scim_users as table
from rxauth.storage.tenancy import sql

_INVITED: Final = sql(
    select(table.c.id).where(
        table.c.organization_id == bindparam("organization_id"),
        table.c.invited_key == bindparam("key"),
        table.c.user_id.is_(None),
    )
)
_JOIN: Final = sql(
    update(table)
    .where(table.c.organization_id == bindparam("owner"), table.c.id == bindparam("invited"))
    .values(user_id=bindparam("person"), invited_key=None, settle_at=bindparam("moment"))
)
_IS_LINKED: Final = sql(
    select(table.c.id).where(
        table.c.organization_id == bindparam("organization_id"), table.c.user_id == bindparam("of")
    )
)
_BY_ADDRESS: Final = select(scim_emails.c.scim_user_id).where(
    scim_emails.c.organization_id == bindparam("organization_id"), scim_emails.c.email_key == bindparam("key")
)
_INACTIVE: Final = sql(
    select(table.c.id)
    .where(
        table.c.organization_id == bindparam("organization_id"),
        table.c.active.is_(False),
        or_(table.c.user_id == bindparam("of"), table.c.user_name_key == bindparam("key"), table.c.id.in_(_BY_ADDRESS)),
    )
    .limit(1)
)


def joined(transaction: Transaction, organization_id: str, email: str, user_id: str, now: int) -> None:
    """Has the user that was invited be whoever became a member; what its groups give follows a moment later."""
    invited = transaction.first(_INVITED, organization_id=organization_id, key=users.email_key(email))
    if invited is None or transaction.first(_IS_LINKED, organization_id=organization_id, of=user_id) is not None:
        return
    transaction.run(_JOIN, owner=organization_id, invited=invited.id, person=user_id, moment=now)


def shuts_out(transaction: Transaction, organization_id: str, user_id: str | None, email: str | None) -> bool:
    """Tells whether the identity provider deactivated somebody by SCIM, so that no sign-in makes them a member again.

    user_id None: nobody here yet. email None: none is known.
    """
    key = "" if email is None else users.email_key(email)
    return transaction.first(_INACTIVE, organization_id=organization_id, of=user_id or "", key=key) is not None
