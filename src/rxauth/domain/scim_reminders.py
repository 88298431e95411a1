"""Reminders: administrators are told by letter before a SCIM token ends, once for each of some days.

When a token is next spoken of stands with it; see `secret_reminders`.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select, update

from rxauth.domain import administrators, client_secrets, letters, organizations, scim_tokens
from rxauth.domain.mails import Outbox
from rxauth.storage.database import Transaction
from rxauth.storage.tables.scim import scim_tokens as table
from rxauth.storage.tenancy import sql

SETTINGS_PATH: Final = "/settings/connections/provisioning"
_DAY_S: Final = 86_400

_NEXT = sql(
    select(table.c.organization_id, table.c.id, table.c.expires_at)
    .where(table.c.remind_at <= bindparam("moment"))
    .order_by(table.c.remind_at, table.c.id)
    .limit(1)
    .with_for_update(skip_locked=True),
    across_tenants="one server speaks of the tokens of every organization",
)
_MOVE = sql(
    update(table)
    .where(table.c.organization_id == bindparam("owner"), table.c.id == bindparam("token_id"))
    .values(remind_at=bindparam("reminder"))
)


@dataclass(frozen=True, slots=True)
class ScimReminders:
    """Speaks of tokens that end soon. outbox: where letters are put."""

    outbox: Outbox

    def remind(self, transaction: Transaction, now: int) -> bool:
        """Speaks of one token whose time has come, if it matters; tells whether there may be more."""
        row = transaction.first(_NEXT, moment=now)
        if row is None:
            return False
        reminder = client_secrets.next_reminder(row.expires_at, now)
        transaction.run(_MOVE, owner=row.organization_id, token_id=row.id, reminder=reminder)
        every = scim_tokens.of_organization(transaction, row.organization_id)
        organization = organizations.find(transaction, row.organization_id)
        token = next((one for one in every if one.id == row.id), None)
        if token is None or organization is None or organization.disabled_at is not None:
            return True
        end = token.expires_at
        if end is not None and client_secrets.is_last_to_end(token, every, now):
            ending = letters.Ending(organization.name, "", token.name, end, -((now - end) // _DAY_S))
            link = self.outbox.url(SETTINGS_PATH)
            administrators.tell(
                transaction,
                self.outbox,
                organization.id,
                lambda to: letters.scim_token_ends(to, ending, link),
                now,
            )
        return True
