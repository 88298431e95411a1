"""Diagnoses: the codes of ICD-10-CM, and which of them a prescription names."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Final

from sqlalchemy import bindparam, delete, select, update

from rxauth.domain import word_index
from rxauth.domain.errors import AbsentError, InvalidError
from rxauth.domain.names import after_prefix, search_words
from rxauth.storage.database import Transaction
from rxauth.storage.tables.catalog import diagnoses, diagnosis_words
from rxauth.storage.tables.clinical import prescription_diagnoses
from rxauth.storage.tenancy import Statement, insert_row, sql

ICD10: Final = "ICD10"
NAMED_LIMIT: Final = 12  # as on a claim (X12 837P, segment HI)
_CATEGORY_CHARACTERS: Final = 3  # before the dot
_CODE: Final = re.compile(r"[A-Z][0-9][0-9A-Z](?:\.?[0-9A-Z]{1,4})?")
_CODE_BEGINS: Final = re.compile(r"[A-Z][0-9][0-9A-Z.]{0,6}")
_INSERT = insert_row(diagnoses)
_INSERT_WORD = insert_row(diagnosis_words)
_INSERT_OF_PRESCRIPTION = insert_row(prescription_diagnoses)
_COLUMNS: Final = (diagnoses.c.code, diagnoses.c.name, diagnoses.c.billable, diagnoses.c.type)
_BY_CODES = sql(select(*_COLUMNS).where(diagnoses.c.code.in_(bindparam("codes", expanding=True))))
_UPDATE = sql(
    update(diagnoses)
    .where(diagnoses.c.code == bindparam("the_code"))
    .values(name=bindparam("the_name"), billable=bindparam("is_billable"))
)
_DELETE_WORDS = sql(delete(diagnosis_words).where(diagnosis_words.c.code.in_(bindparam("codes", expanding=True))))
_PAGE = (
    select(*_COLUMNS)
    .where(diagnoses.c.code > bindparam("after"), diagnoses.c.billable)
    .order_by(diagnoses.c.code)
    .limit(bindparam("rows"))
)
_BEGINNING = sql(_PAGE.where(diagnoses.c.code >= bindparam("code"), diagnoses.c.code < bindparam("past_code")))
_OF_PRESCRIPTIONS = sql(
    select(prescription_diagnoses.c.prescription_id, *_COLUMNS)
    .join(diagnoses, diagnoses.c.code == prescription_diagnoses.c.diagnosis_code)
    .where(
        prescription_diagnoses.c.organization_id == bindparam("organization_id"),
        prescription_diagnoses.c.prescription_id.in_(bindparam("prescription_ids", expanding=True)),
    )
    .order_by(prescription_diagnoses.c.prescription_id, prescription_diagnoses.c.position)
)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A diagnosis. code: with its dot. billable: a bill may be written with it; else it only begins other codes."""

    code: str
    name: str
    billable: bool = True
    type: str = ICD10


@dataclass(frozen=True, slots=True)
class Named:
    """A code that somebody names; place: where it stood among those that were given."""

    place: int
    code: str

    @property
    def absence(self) -> AbsentError:
        """The error that nothing has this code."""
        return _absence(self.place)


def written_code(text: str) -> str | None:
    """Returns a code as it is kept, upper case and with its dot; None: no code of ICD-10-CM is written like `text`."""
    plain = text.strip().upper()
    return None if _CODE.fullmatch(plain) is None else _dotted(plain)


def named(given: Sequence[str | None]) -> tuple[Named, ...]:
    """Returns the codes that somebody names, each once; what is null names none.

    Raises:
        InvalidError: too many. AbsentError: no code is written so.
    """
    if len(given) > NAMED_LIMIT:
        raise InvalidError(f"diagnoses has at most {NAMED_LIMIT} codes", "diagnoses")
    found: dict[str, Named] = {}
    for place, text in enumerate(given):
        if text is not None:
            code = written_code(text)
            if code is None:
                raise _absence(place)
            found.setdefault(code, Named(place, code))
    return tuple(found.values())


def keep(transaction: Transaction, found: Iterable[Diagnosis]) -> None:
    """Adds diagnoses, each in place of the one that had its code."""
    rows = {one.code: one for one in found}
    known = by_codes(transaction, list(rows))
    transaction.run_many(_INSERT, [asdict(one) for code, one in rows.items() if code not in known])
    changed = [rows[code] for code, before in known.items() if rows[code] != before]
    transaction.run_many(
        _UPDATE, [{"the_code": one.code, "the_name": one.name, "is_billable": one.billable} for one in changed]
    )
    if changed:
        transaction.run(_DELETE_WORDS, codes=[one.code for one in changed])
    spoken = [*(one for code, one in rows.items() if code not in known), *changed]
    transaction.run_many(
        _INSERT_WORD, [{"word": word, "code": one.code} for one in spoken for word in search_words(one.name)]
    )


def by_codes(transaction: Transaction, codes: Sequence[str]) -> Mapping[str, Diagnosis]:
    """Returns the diagnoses among `codes`."""
    return {row.code: Diagnosis(*row) for row in transaction.all(_BY_CODES, codes=codes)}


def of_drafts(transaction: Transaction, named: Iterable[Named]) -> Mapping[str, Diagnosis]:
    """Returns the diagnoses that drafts name, by code; no statement if they name none."""
    codes = {one.code for one in named}
    return by_codes(transaction, sorted(codes)) if codes else {}


def search(transaction: Transaction, name: str | None, after: str | None, rows: int) -> list[Diagnosis]:
    """Lists the diagnoses that bills are written with, by code.

    name: the beginning of a code, with the dot or without it, or of any words of the name, each of which must be found.
    after: the last code seen.

    Raises:
        InvalidError: nothing has so long a name.
    """
    words = word_index.wanted(name)
    place = {"after": after or "", "rows": rows}
    if words is None:
        return [Diagnosis(*row) for row in transaction.all(_listing(0), **place)]
    found = [] if not words else transaction.all(_listing(len(words)), **place, **word_index.values(words))
    begins = _beginning(name or "")
    if begins is not None:
        coded = transaction.all(_BEGINNING, **place, code=begins, past_code=after_prefix(begins))
        found = sorted({tuple(row) for row in (*found, *coded)})[:rows]
    return [Diagnosis(*row) for row in found]


def add_to_prescriptions(transaction: Transaction, organization_id: str, named: Mapping[str, Sequence[Named]]) -> None:
    """Says which diagnoses each of some new prescriptions is for, the first of them first; all of them exist."""
    transaction.run_many(
        _INSERT_OF_PRESCRIPTION,
        [
            {
                "organization_id": organization_id,
                "prescription_id": prescription_id,
                "diagnosis_code": one.code,
                "position": number,
            }
            for prescription_id, codes in named.items()
            for number, one in enumerate(codes)
        ],
    )


def of_prescriptions(
    transaction: Transaction, organization_id: str, prescription_ids: Sequence[str]
) -> Mapping[str, list[Diagnosis]]:
    """Returns the diagnoses of each prescription that names any, in its order."""
    found: defaultdict[str, list[Diagnosis]] = defaultdict(list)
    asked = {"organization_id": organization_id, "prescription_ids": prescription_ids}
    for row in transaction.all(_OF_PRESCRIPTIONS, **asked):
        found[row.prescription_id].append(Diagnosis(*row[1:]))
    return found


def _absence(place: int) -> AbsentError:
    field = f"diagnoses[{place}]"
    return AbsentError(f"{field}: there is no such diagnosis; a code of ICD-10-CM is written like E11.9", field)


def _beginning(text: str) -> str | None:
    """Returns the beginning of a code as codes are kept; None: no code begins so."""
    plain = text.strip().upper()
    return None if _CODE_BEGINS.fullmatch(plain) is None else _dotted(plain)


def _dotted(plain: str) -> str:
    bare = plain.replace(".", "")
    begin, rest = bare[:_CATEGORY_CHARACTERS], bare[_CATEGORY_CHARACTERS:]
    return f"{begin}.{rest}" if rest else begin


@cache
def _listing(words: int) -> Statement:
    # A page begins within the words: those of other pages are not read.
    in_page = diagnosis_words.c.code > bindparam("after")
    named = word_index.matching(diagnoses.c.code, diagnosis_words.c.code, words, in_page)
    return sql(_PAGE.where(*named))
