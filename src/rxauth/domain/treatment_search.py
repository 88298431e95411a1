"""Lists of medications and equipment, by the words of their names and by their codes.

Drugs and equipment have words in a table. Products and packages are asked for one drug or one product at a time: they
are read through what they belong to, and their names and codes are looked at here.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import islice
from typing import Any, Final

from sqlalchemy import bindparam, select

from rxauth.domain import drug_codes, word_index
from rxauth.domain.paging import Page
from rxauth.domain.treatments import COLUMNS, DRUG, MEDICAL_EQUIPMENT, MEDICATION, Treatment, read
from rxauth.storage.database import Transaction
from rxauth.storage.tables.catalog import treatment_codes, treatment_words, treatments
from rxauth.storage.tenancy import Statement, sql

_EVERY_ROW: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class MedicationFilter:
    """Which medications; None leaves a member out. name: the beginning of any words, each of which must be found.

    concept: DRUG, PRODUCT or PACKAGE. drug: the identifier of the drug that a product contains. product: that of the
    product that a package holds. code: an RxCUI or NDC, with or without hyphens. Products and packages have names and
    codes to go by within the drug or product only.
    """

    concept: str | None = None
    name: str | None = None
    code: str | None = None
    type: str | None = None
    drug: str | None = None
    product: str | None = None


def medications(transaction: Transaction, wanted: MedicationFilter, page: Page) -> list[Treatment]:
    """Lists medications."""
    words = word_index.wanted(wanted.name)
    code = None if wanted.code is None else drug_codes.plain(wanted.code)
    if words == [] or code == "":
        return []
    given = {"concept": wanted.concept, "type": wanted.type, "parent": wanted.drug or wanted.product, "code": code}
    values = {name: value for name, value in given.items() if value is not None}
    if "parent" in values:
        return _parts(transaction, values, words or [], page)
    return _list(transaction, MEDICATION, values, words or [], page)


def equipment(transaction: Transaction, name: str | None, page: Page) -> list[Treatment]:
    """Lists medical equipment; name: as for medications."""
    words = word_index.wanted(name)
    return [] if words == [] else _list(transaction, MEDICAL_EQUIPMENT, {}, words or [], page)


def _list(
    transaction: Transaction, kind: str, values: dict[str, Any], words: Sequence[str], page: Page
) -> list[Treatment]:
    statement = _listing(kind, frozenset(values), len(words))
    found = transaction.all(statement, before=page.before, rows=page.rows, **values, **word_index.values(words))
    return [read(row) for row in found]


def _parts(transaction: Transaction, values: dict[str, Any], words: Sequence[str], page: Page) -> list[Treatment]:
    """Lists the products of one drug, or the packages of one product: all of them are read, if some must be chosen."""
    code = values.pop("code", None)
    limit = _EVERY_ROW if words or code else page.rows
    found = transaction.all(_listing(MEDICATION, frozenset(values), 0), before=page.before, rows=limit, **values)
    made = (read(row) for row in found)
    wanted = (one for one in made if code is None or code in drug_codes.spellings(asdict(one.codes)))
    return list(islice((one for one in wanted if word_index.are_in(words, one.name)), page.rows))


@cache
def _listing(kind: str, members: frozenset[str], words: int) -> Statement:
    statement = select(*COLUMNS)
    found_as = DRUG if kind == MEDICATION else kind
    before: Any = bindparam("before")
    # A page begins within the words: those of other pages are not read.
    in_page = (treatment_words.c.kind == found_as, treatment_words.c.treatment_id < before)
    statement = statement.where(*word_index.matching(treatments.c.id, treatment_words.c.treatment_id, words, *in_page))
    if "code" in members:
        code = treatment_codes.c
        coded = select(code.treatment_id).where(code.code == bindparam("code"), code.treatment_id < before)
        statement = statement.where(treatments.c.id.in_(coded))
    elif not words:
        statement = statement.where(treatments.c.id < before)
    if "parent" in members:
        statement = statement.where(treatments.c.parent_id == bindparam("parent"))
    if "concept" in members:
        statement = statement.where(treatments.c.concept == bindparam("concept"))
    else:
        statement = statement.where(treatments.c.kind == kind)
    if "type" in members:
        statement = statement.where(treatments.c.medication_type == bindparam("type"))
    return sql(statement.order_by(treatments.c.id.desc()).limit(bindparam("rows")))
