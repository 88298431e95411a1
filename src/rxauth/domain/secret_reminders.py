"""Reminders: whoever may make secrets is told before one ends, by letter and by webhook, once for each of some days.

When a secret is next spoken of stands with it. Whoever speaks of it moves that on in the same transaction, so that
several servers tell it once, and one that comes late says what is true then and leaves out what it missed.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select, update

from rxauth.domain import client_secrets, clients, letters, organizations, secret_events
from rxauth.domain.client_secrets import Secret
from rxauth.domain.clients import Client
from rxauth.domain.mails import Outbox
from rxauth.policy.permissions import BY_NAME
from rxauth.storage.database import Transaction
from rxauth.storage.tables.access import client_secrets as table
from rxauth.storage.tables.people import membership_roles, users
from rxauth.storage.tenancy import sql

KEEPERS_PERMISSION: Final = "update:client_keys"
SETTINGS_PATH: Final = "/settings/developers"
_DAY_S: Final = 86_400
_ROLES: Final = sorted(BY_NAME[KEEPERS_PERMISSION].roles)

_NEXT = sql(
    select(table.c.organization_id, table.c.client_id, table.c.id, table.c.expires_at)
    .where(table.c.remind_at <= bindparam("moment"))
    .order_by(table.c.remind_at, table.c.id)
    .limit(1)
    .with_for_update(skip_locked=True),
    across_tenants="one server speaks of the secrets of every organization",
)
_MOVE = sql(
    update(table)
    .where(table.c.organization_id == bindparam("owner"), table.c.id == bindparam("secret_id"))
    .values(remind_at=bindparam("reminder"))
)
_KEEPERS = sql(
    select(users.c.id, users.c.email)
    .join(membership_roles, membership_roles.c.user_id == users.c.id)
    .where(
        membership_roles.c.organization_id == bindparam("organization_id"),
        membership_roles.c.role.in_(_ROLES),
        users.c.disabled_at.is_(None),
    )
    .distinct()
    .order_by(users.c.id)
)


@dataclass(frozen=True, slots=True)
class Reminders:
    """Speaks of secrets that end soon. outbox: where letters are put."""

    outbox: Outbox

    def remind(self, transaction: Transaction, now: int) -> bool:
        """Speaks of one secret whose time has come, if it matters; tells whether there may be more."""
        row = transaction.first(_NEXT, moment=now)
        if row is None:
            return False
        reminder = client_secrets.next_reminder(row.expires_at, now)
        transaction.run(_MOVE, owner=row.organization_id, secret_id=row.id, reminder=reminder)
        client = clients.load(transaction, row.client_id)
        secret = None if client is None else client.secret(row.id)
        if client is None or client.disabled or secret is None:
            return True
        if client_secrets.is_last_to_end(secret, client.secrets, now):
            self._tell(transaction, client, secret, now)
        return True

    def _tell(self, transaction: Transaction, client: Client, secret: Secret, now: int) -> None:
        days_left = -((now - (secret.expires_at or now)) // _DAY_S)
        secret_events.expiring(transaction, client, secret, days_left, now)
        organization = organizations.find(transaction, client.organization_id)
        of = "" if organization is None else organization.name
        link = f"{self.outbox.issuer.rstrip('/')}{SETTINGS_PATH}"
        for keeper in transaction.all(_KEEPERS, organization_id=client.organization_id):
            ending = letters.Ending(of, client.name, secret.name, secret.expires_at or now, days_left)
            self.outbox.put(transaction, letters.secret_ends(keeper.email, ending, link), now)
