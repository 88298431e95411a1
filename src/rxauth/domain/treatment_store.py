"""Treatments as they are kept: rows, and the words and codes by which an index finds them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import bindparam, delete, select, update

from rxauth.domain import drug_codes
from rxauth.domain.names import search_words
from rxauth.domain.treatments import DRUG, MEDICAL_EQUIPMENT
from rxauth.storage.database import Transaction
from rxauth.storage.tables.catalog import treatment_codes, treatment_words, treatments
from rxauth.storage.tenancy import insert_row, sql

_INSERT = insert_row(treatments)
_INSERT_WORD = insert_row(treatment_words)
_INSERT_CODE = insert_row(treatment_codes)
_KNOWN = sql(
    select(treatments.c.id, treatments.c.name, treatments.c.codes).where(
        treatments.c.id.in_(bindparam("ids", expanding=True))
    )
)
_UPDATE = sql(
    update(treatments)
    .where(treatments.c.id == bindparam("the_id"))
    .values({column.name: bindparam(column.name) for column in treatments.c if column.name != "id"})
)
_FORGET: Final = tuple(
    sql(delete(table).where(table.c.treatment_id.in_(bindparam("ids", expanding=True))))
    for table in (treatment_words, treatment_codes)
)


def keep(transaction: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """Adds treatments, each in place of the one that had its identifier; none comes twice in `rows`.

    A code that a row does not say stays what it was: another source may have said it.
    """
    known = {row.id: row for row in transaction.all(_KNOWN, ids=[row["id"] for row in rows])}
    new = [row for row in rows if row["id"] not in known]
    again = [{**row, "codes": known[row["id"]].codes | _said(row["codes"])} for row in rows if row["id"] in known]
    transaction.run_many(_INSERT, new)
    changed = [{**row, "the_id": row["id"]} for row in again]
    for row in changed:
        row.pop("id")
    transaction.run_many(_UPDATE, changed)
    moved = [row for row in again if (row["name"], row["codes"]) != (known[row["id"]].name, known[row["id"]].codes)]
    _forget(transaction, [row["id"] for row in moved])
    _index(transaction, [*new, *moved])


def _said(codes: Mapping[str, str | None]) -> dict[str, str]:
    return {name: code for name, code in codes.items() if code is not None}


def _index(transaction: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    words = [
        {"kind": kind, "word": word, "treatment_id": row["id"]}
        for row in rows
        for kind in _kinds(row)
        for word in search_words(row["name"])
    ]
    transaction.run_many(_INSERT_WORD, words)
    codes = ((row["id"], code) for row in rows for code in sorted(drug_codes.spellings(row["codes"])))
    transaction.run_many(_INSERT_CODE, [{"code": code, "treatment_id": owner} for owner, code in codes])


def _kinds(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns as what a treatment is looked for by name, if it is."""
    return tuple(kind for kind in (DRUG, MEDICAL_EQUIPMENT) if kind in {row["concept"], row["kind"]})


def _forget(transaction: Transaction, ids: Sequence[str]) -> None:
    if ids:
        for statement in _FORGET:
            transaction.run(statement, ids=ids)
