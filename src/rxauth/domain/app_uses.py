"""What is asked beside an app: which of its secrets work, and how many people signed in through it lately."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, func, or_, select

from rxauth.storage.database import Transaction
from rxauth.storage.tables.access import client_secrets as secrets_table
from rxauth.storage.tables.sign_in import token_families
from rxauth.storage.tenancy import sql

LATELY_S: Final = 30 * 86_400
# Each person once, and then counted: PostgreSQL sorts all rows to count distinct ones.
_SIGNED_IN = (
    select(token_families.c.client_id, token_families.c.user_id)
    .where(
        token_families.c.client_id.in_(bindparam("ids", expanding=True)),
        token_families.c.created_at >= bindparam("since"),
    )
    .distinct()
    .subquery()
)
_PEOPLE = sql(select(_SIGNED_IN.c.client_id, func.count().label("people")).group_by(_SIGNED_IN.c.client_id))
_LIVE_SECRETS = sql(
    select(*(secrets_table.c[name] for name in ("id", "client_id", "created_at", "expires_at")))
    .where(
        secrets_table.c.organization_id == bindparam("organization_id"),
        secrets_table.c.client_id.in_(bindparam("ids", expanding=True)),
        secrets_table.c.revoked_at.is_(None),
        or_(secrets_table.c.expires_at.is_(None), secrets_table.c.expires_at > bindparam("now")),
    )
    .order_by(secrets_table.c.client_id, secrets_table.c.id)
)


@dataclass(frozen=True, slots=True)
class LiveSecret:
    """A secret of an app that works. expires_at None: it has no end. Times: UTC seconds."""

    id: str
    created_at: int
    expires_at: int | None


def people_since(
    transaction: Transaction, _organization_id: str, app_ids: Sequence[str], since: int
) -> Mapping[str, int]:
    """Counts who signed in through each app from a moment on (UTC seconds); none: the app is not among them."""
    return {row.client_id: row.people for row in transaction.all(_PEOPLE, ids=list(app_ids), since=since)}


def live_secrets(
    transaction: Transaction, organization_id: str, app_ids: Sequence[str], now: int
) -> Mapping[str, list[LiveSecret]]:
    """Returns the secrets of each app that work, oldest first."""
    found: dict[str, list[LiveSecret]] = defaultdict(list)
    for row in transaction.all(_LIVE_SECRETS, organization_id=organization_id, ids=list(app_ids), now=now):
        found[row.client_id].append(LiveSecret(row.id, row.created_at, row.expires_at))
    return found
