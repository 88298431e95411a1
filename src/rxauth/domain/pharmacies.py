"""Pharmacies, the same for every organization."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, delete, select, update

from rxauth.domain.names import Address, read_address, search_words
from rxauth.storage.database import Transaction
from rxauth.storage.tables.catalog import pharmacies, pharmacy_services, pharmacy_words
from rxauth.storage.tenancy import insert_row, sql

COLUMNS: Final = tuple(pharmacies.c)
_BY_IDS = sql(select(*COLUMNS).where(pharmacies.c.id.in_(bindparam("ids", expanding=True))))
_INSERT = insert_row(pharmacies)
_INSERT_WORD = insert_row(pharmacy_words)
_INSERT_SERVICE = insert_row(pharmacy_services)
_KNOWN = sql(select(pharmacies.c.id).where(pharmacies.c.id.in_(bindparam("ids", expanding=True))))
_UPDATE = sql(
    update(pharmacies)
    .where(pharmacies.c.id == bindparam("the_id"))
    .values({column.name: bindparam(column.name) for column in pharmacies.c if column.name != "id"})
)
_FORGET_PLACE = sql(
    update(pharmacies)
    .where(pharmacies.c.id.in_(bindparam("ids", expanding=True)))
    .values(latitude=None, longitude=None)
)
_FORGET: Final = tuple(
    sql(delete(table).where(table.c.pharmacy_id.in_(bindparam("ids", expanding=True))))
    for table in (pharmacy_words, pharmacy_services)
)


@dataclass(frozen=True, slots=True)
class Pharmacy:
    """A pharmacy. latitude, longitude: degrees, None if nobody knows."""

    id: str
    name: str
    npi: str | None
    ncpdp: str | None
    phone: str | None
    fax: str | None
    address: Address | None
    latitude: float | None
    longitude: float | None
    fulfillment_types: list[str]


def by_ids(transaction: Transaction, _organization_id: str, ids: Sequence[str]) -> Mapping[str, Pharmacy]:
    """Returns the pharmacies among `ids`."""
    return {row.id: read(row) for row in transaction.all(_BY_IDS, ids=ids)}


def keep(transaction: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """Adds pharmacies, each in place of the one that had its identifier; none comes twice in `rows`."""
    known = {row.id for row in transaction.all(_KNOWN, ids=[row["id"] for row in rows])}
    transaction.run_many(_INSERT, [row for row in rows if row["id"] not in known])
    changed = [{**row, "the_id": row["id"]} for row in rows if row["id"] in known]
    for row in changed:
        row.pop("id")
    transaction.run_many(_UPDATE, changed)
    if known:
        for statement in _FORGET:
            transaction.run(statement, ids=sorted(known))
    words = ((row["id"], word) for row in rows for word in search_words(row["name"]))
    transaction.run_many(_INSERT_WORD, [{"word": word, "pharmacy_id": owner} for owner, word in words])
    services = ((row, kind) for row in rows for kind in sorted(set(row["fulfillment_types"])))
    transaction.run_many(
        _INSERT_SERVICE,
        [{"fulfillment_type": kind, "name": row["name"], "pharmacy_id": row["id"]} for row, kind in services],
    )


def close(transaction: Transaction, ids: Sequence[str]) -> None:
    """Takes pharmacies out of what is found by name, place or service; orders that went there still show them."""
    if ids:
        transaction.run(_FORGET_PLACE, ids=ids)
        for statement in _FORGET:
            transaction.run(statement, ids=ids)


def read(row: Any) -> Pharmacy:
    """Reads a row of `COLUMNS`."""
    return Pharmacy(
        row.id,
        row.name,
        row.npi,
        row.ncpdp,
        row.phone,
        row.fax,
        read_address(row.address),
        row.latitude,
        row.longitude,
        row.fulfillment_types,
    )
