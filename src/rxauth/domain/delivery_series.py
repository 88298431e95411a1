"""What became of webhook deliveries, hour by hour, as far as the log of deliveries goes back."""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import bindparam, func, select

from rxauth.domain.leases import DEAD
from rxauth.domain.tallies import HOUR_S, Step
from rxauth.domain.webhook_deliveries import DELIVERED
from rxauth.storage.database import Transaction
from rxauth.storage.tables.webhooks import webhook_deliveries as table
from rxauth.storage.tenancy import sql

STATES: Final = (DELIVERED, DEAD)
_BUCKET = (table.c.settled_at // bindparam("seconds")).label("bucket")
_SERIES = (
    select(table.c.state, _BUCKET, func.count().label("count"))
    .where(
        table.c.organization_id == bindparam("organization_id"),
        table.c.settled_at >= bindparam("since"),
        table.c.settled_at < bindparam("until"),
    )
    .group_by(table.c.state, "bucket")
)
_OF_ALL = sql(_SERIES)
_OF_WEBHOOK = sql(_SERIES.where(table.c.webhook_id == bindparam("webhook_id")))


def series(
    transaction: Transaction,
    organization_id: str,
    webhook_id: str | None,
    *,
    since_hour: int,
    until_hour: int,
    step: Step = Step.HOUR,
) -> Mapping[str, Sequence[int]]:
    """Counts the deliveries that arrived, and those that were given up, by when that was; as `tallies.series` does."""
    first = since_hour // step
    counts = {state: [0] * max(0, (until_hour - 1) // step - first + 1) for state in STATES}
    values = {} if webhook_id is None else {"webhook_id": webhook_id}
    rows = transaction.all(
        _OF_ALL if webhook_id is None else _OF_WEBHOOK,
        organization_id=organization_id,
        since=since_hour * HOUR_S,
        until=until_hour * HOUR_S,
        seconds=int(step) * HOUR_S,
        **values,
    )
    for row in rows:
        if row.state in counts:
            counts[row.state][row.bucket - first] = row.count
    return counts
