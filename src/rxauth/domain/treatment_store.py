"""Treatments as they are kept: rows, and the words and codes by which an index finds them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, delete, select, update

from rxauth.domain import drug_codes
from rxauth.domain.names import search_words
from rxauth.domain.treatments import DRUG, MEDICAL_EQUIPMENT, PACKAGE
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
_SET_CODES = sql(update(treatments).where(treatments.c.id == bindparam("the_id")).values(codes=bindparam("the_codes")))
_product = treatments.alias("product")
_PACKAGES_BY_CODE = sql(
    select(
        treatment_codes.c.code,
        treatments.c.id,
        _product.c.id.label("product_id"),
        _product.c.parent_id.label("drug_id"),
    )
    .join(treatments, treatments.c.id == treatment_codes.c.treatment_id)
    .join(_product, _product.c.id == treatments.c.parent_id)
    .where(treatment_codes.c.code.in_(bindparam("codes", expanding=True)), treatments.c.concept == PACKAGE)
)
_FORGET: Final = tuple(
    sql(delete(table).where(table.c.treatment_id.in_(bindparam("ids", expanding=True))))
    for table in (treatment_words, treatment_codes)
)


@dataclass(frozen=True, slots=True)
class Coded:
    """A package, the code that found it, and what it is a part of."""

    code: str
    id: str
    product_id: str
    drug_id: str | None


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


def packages_by_code(transaction: Transaction, codes: Sequence[str]) -> list[Coded]:
    """Returns the packages that any of some codes names, each with the code that named it."""
    rows = transaction.all(_PACKAGES_BY_CODE, codes=codes) if codes else []
    return [Coded(row.code, row.id, row.product_id, row.drug_id) for row in rows]


def name_rxcuis(transaction: Transaction, rxcuis: Mapping[str, str]) -> None:
    """Says what RxNorm calls each of some treatments, by their identifiers."""
    rows = transaction.all(_KNOWN, ids=list(rxcuis)) if rxcuis else []
    changed = {row.id: row.codes | {"rxcui": rxcuis[row.id]} for row in rows if row.codes["rxcui"] != rxcuis[row.id]}
    transaction.run_many(_SET_CODES, [{"the_id": the_id, "the_codes": codes} for the_id, codes in changed.items()])
    if changed:
        transaction.run(_FORGET[1], ids=list(changed))
        _index_codes(transaction, changed)


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
    _index_codes(transaction, {row["id"]: row["codes"] for row in rows})


def _index_codes(transaction: Transaction, of: Mapping[str, Mapping[str, str | None]]) -> None:
    codes = ((the_id, code) for the_id, known in of.items() for code in sorted(drug_codes.spellings(known)))
    transaction.run_many(_INSERT_CODE, [{"code": code, "treatment_id": owner} for owner, code in codes])


def _kinds(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns as what a treatment is looked for by name, if it is."""
    return tuple(kind for kind in (DRUG, MEDICAL_EQUIPMENT) if kind in {row["concept"], row["kind"]})


def _forget(transaction: Transaction, ids: Sequence[str]) -> None:
    if ids:
        for statement in _FORGET:
            transaction.run(statement, ids=ids)
