"""Words and codes by which medications, equipment, allergens and pharmacies are found through an index."""

import json
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, Final

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
ROWS: Final = 5_000
APOSTROPHES: Final = str.maketrans("", "", "'\N{RIGHT SINGLE QUOTATION MARK}\N{MODIFIER LETTER APOSTROPHE}")


def upgrade() -> None:
    """Makes the tables, and fills them with what there is."""
    treatment_words = _table("treatment_words", "treatment_id", "treatments", "kind", "word")
    treatment_codes = _table("treatment_codes", "treatment_id", "treatments", "code")
    allergen_words = _table("allergen_words", "allergen_id", "allergens", "word")
    pharmacy_words = _table("pharmacy_words", "pharmacy_id", "pharmacies", "word")
    pharmacy_services = _table("pharmacy_services", "pharmacy_id", "pharmacies", "fulfillment_type", "name")
    op.drop_index("ix_treatments_parent_id", "treatments")
    parts = ["parent_id", "concept", "id"]
    op.create_index("ix_treatments_parent_id_concept_id", "treatments", parts, unique=False)
    op.create_index("ix_treatments_concept_id", "treatments", ["concept", "id"], unique=False)
    op.create_index("ix_allergens_name_id", "allergens", ["name", "id"], unique=False)
    op.create_index("ix_pharmacies_name_id", "pharmacies", ["name", "id"], unique=False)
    for one in _rows("SELECT id, kind, name, concept, codes FROM treatments"):
        kind = "DRUG" if one["concept"] == "DRUG" else one["kind"]
        if kind != "Medication":
            _add(treatment_words, [{"kind": kind, "word": word, "treatment_id": one["id"]} for word in _words(one)])
        _add(treatment_codes, [{"code": code, "treatment_id": one["id"]} for code in _codes(_read(one["codes"]))])
    for one in _rows("SELECT id, name FROM allergens"):
        _add(allergen_words, [{"word": word, "allergen_id": one["id"]} for word in _words(one)])
    for one in _rows("SELECT id, name, fulfillment_types FROM pharmacies"):
        _add(pharmacy_words, [{"word": word, "pharmacy_id": one["id"]} for word in _words(one)])
        named = {"name": one["name"], "pharmacy_id": one["id"]}
        types = sorted(set(_read(one["fulfillment_types"])))
        _add(pharmacy_services, [{"fulfillment_type": kind, **named} for kind in types])


def _table(name: str, owner: str, of: str, *others: str) -> sa.Table:
    """Makes a table whose columns are all in its key, the last of them the thing that is found."""
    checks = [sa.CheckConstraint("kind IN ('DRUG', 'MedicalEquipment')", name=op.f(f"ck_{name}_kind"))]
    made = op.create_table(
        name,
        *(sa.Column(column, TEXT, nullable=False) for column in (*others, owner)),
        *(checks if "kind" in others else []),
        sa.ForeignKeyConstraint([owner], [f"{of}.id"], name=op.f(f"fk_{name}_{owner}")),
        sa.PrimaryKeyConstraint(*others, owner, name=op.f(f"pk_{name}")),
    )
    op.create_index(f"ix_{name}_{owner}", name, [owner], unique=False)
    return made


def _rows(statement: str) -> Iterator[Any]:
    """Reads a table a part at a time, by its identifiers."""
    after = ""
    while (
        found := op.get_bind()
        .execute(
            sa.text(f"{statement} WHERE id > :after ORDER BY id LIMIT {ROWS}"),
            {"after": after},
        )
        .mappings()
        .all()
    ):
        yield from found
        after = found[-1]["id"]


def _add(table: sa.Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        op.get_bind().execute(table.insert(), rows)


def _read(stored: Any) -> Any:
    return json.loads(stored) if isinstance(stored, str) else stored


def _words(row: Mapping[str, Any]) -> list[str]:
    folded = row["name"]
    for _ in range(3):
        folded = unicodedata.normalize("NFKD", folded).casefold()
    plain = "".join(one for one in folded if not unicodedata.combining(one)).translate(APOSTROPHES)
    return list(dict.fromkeys("".join(one if one.isalnum() else " " for one in plain).split()))


def _codes(codes: Mapping[str, str | None]) -> set[str]:
    found = {_plain(rxcui)} if (rxcui := codes.get("rxcui")) else set()
    ndc = codes.get("package_ndc") or codes.get("product_ndc")
    if ndc is None:
        return found
    parts = ndc.split("-")
    billed = "".join(part.zfill(length) for part, length in zip(parts, (5, 4, 2), strict=False))
    return found | {_plain(ndc), billed if len(parts) in {2, 3} else _plain(ndc)}


def _plain(code: str) -> str:
    return "".join(one for one in code.upper() if one.isalnum())
