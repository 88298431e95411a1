"""Ingredients: what treatments and allergens contain, so that the one can be compared with the other."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import Table, bindparam, delete, select, union, update

from rxauth.ids import Kind, sample_id
from rxauth.storage.database import Transaction
from rxauth.storage.tables.catalog import allergen_ingredients, ingredients, treatment_ingredients, treatments
from rxauth.storage.tenancy import Statement, insert_row, sql

# An ingredient has the same identifier everywhere and for ever, so that what is imported again is found again.
_MADE_AT_MS: Final = 1_767_225_600_000
_INSERT = insert_row(ingredients)
_BY_IDS = sql(
    select(ingredients.c.id, ingredients.c.name, ingredients.c.rxcui)
    .where(ingredients.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(ingredients.c.name)
)
_NAME_RXCUI = sql(
    update(ingredients).where(ingredients.c.id == bindparam("the_id")).values(rxcui=bindparam("the_rxcui"))
)
_INSERT_OF: Final = {one: insert_row(one) for one in (treatment_ingredients, allergen_ingredients)}
_OF_ALLERGENS = sql(
    select(allergen_ingredients.c.allergen_id.label("owner_id"), ingredients.c.name)
    .join(ingredients, ingredients.c.id == allergen_ingredients.c.ingredient_id)
    .where(allergen_ingredients.c.allergen_id.in_(bindparam("ids", expanding=True)))
)
_treatment = treatments.alias("treatment")
_parent = treatments.alias("parent")
_these = _treatment.c.id.in_(bindparam("ids", expanding=True))
_contents = select(_treatment.c.id.label("owner_id"), ingredients.c.name).select_from(_treatment).where(_these)
_named = ingredients.c.id == treatment_ingredients.c.ingredient_id
# A package is part of a product, and a product of a drug.
_OF_TREATMENTS = sql(
    union(
        _contents.join(treatment_ingredients, treatment_ingredients.c.treatment_id == _treatment.c.id).join(
            ingredients, _named
        ),
        _contents.join(treatment_ingredients, treatment_ingredients.c.treatment_id == _treatment.c.parent_id).join(
            ingredients, _named
        ),
        _contents.join(_parent, _parent.c.id == _treatment.c.parent_id)
        .join(treatment_ingredients, treatment_ingredients.c.treatment_id == _parent.c.parent_id)
        .join(ingredients, _named),
    )
)


@dataclass(frozen=True, slots=True)
class Ingredient:
    """An active ingredient. rxcui: what RxNorm calls it; None: not known here."""

    name: str
    rxcui: str | None = None

    @property
    def id(self) -> str:
        """The identifier, which the name decides: without case, and with one space between words."""
        return sample_id(Kind.INGREDIENT, " ".join(self.name.casefold().split()), _MADE_AT_MS)


def keep(transaction: Transaction, found: Iterable[Ingredient]) -> None:
    """Adds ingredients; one that is there stays, and learns its RxCUI if it is given one."""
    rows = {one.id: one for one in found}
    known = by_ids(transaction, list(rows))
    new = [{"id": the_id, **asdict(one)} for the_id, one in rows.items() if the_id not in known]
    transaction.run_many(_INSERT, new)
    named = [{"the_id": the_id, "the_rxcui": rows[the_id].rxcui} for the_id in known if rows[the_id].rxcui is not None]
    transaction.run_many(_NAME_RXCUI, named)


def keep_of_treatments(transaction: Transaction, contents: Mapping[str, Iterable[Ingredient]]) -> None:
    """Says what each of some treatments contains, in place of what was said before: ingredients that were kept.

    Products and packages contain what their drug does: nothing has to be said of them.
    """
    _keep_of(transaction, treatment_ingredients, contents)


def keep_of_allergens(transaction: Transaction, contents: Mapping[str, Iterable[Ingredient]]) -> None:
    """Says which ingredients each of some allergens stands for, in place of what was said before."""
    _keep_of(transaction, allergen_ingredients, contents)


def by_ids(transaction: Transaction, ids: Sequence[str]) -> Mapping[str, Ingredient]:
    """Returns the ingredients among `ids`, by name."""
    return {row.id: Ingredient(row.name, row.rxcui) for row in transaction.all(_BY_IDS, ids=ids)}


def of_allergens(transaction: Transaction, ids: Sequence[str]) -> Mapping[str, frozenset[str]]:
    """Returns the names of the ingredients of each allergen of which any are known."""
    return _names(transaction.all(_OF_ALLERGENS, ids=ids))


def of_treatments(transaction: Transaction, ids: Sequence[str]) -> Mapping[str, frozenset[str]]:
    """Returns the names of the ingredients of each treatment of which any are known, or of what it is a part of."""
    return _names(transaction.all(_OF_TREATMENTS, ids=ids))


def _names(rows: Sequence[Any]) -> Mapping[str, frozenset[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        found[row.owner_id].add(row.name)
    return {the_id: frozenset(names) for the_id, names in found.items()}


def _deletion(table: Table) -> Statement:
    return sql(delete(table).where(table.primary_key.columns[0].in_(bindparam("ids", expanding=True))))


_DELETE_OF: Final = {one: _deletion(one) for one in _INSERT_OF}


def _keep_of(transaction: Transaction, table: Table, contents: Mapping[str, Iterable[Ingredient]]) -> None:
    of = table.primary_key.columns[0].name
    transaction.run(_DELETE_OF[table], ids=list(contents))
    pairs = dict.fromkeys((owner_id, one.id) for owner_id, found in contents.items() for one in found)
    rows: list[dict[str, Any]] = [{of: owner_id, "ingredient_id": the_id} for owner_id, the_id in pairs]
    transaction.run_many(_INSERT_OF[table], rows)
