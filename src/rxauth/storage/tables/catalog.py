"""Reference data that every organization shares: treatments and the way to them, allergens, units, pharmacies."""

from typing import Final

from sqlalchemy import JSON, CheckConstraint, Column, Float, ForeignKey, Index, Table

from rxauth.storage.tables.metadata import Text, metadata

treatments: Final = Table(
    "treatments",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text),
    Column("codes", JSON, nullable=False),
    Column("medication_type", Text),
    Column("concept", Text),
    Column("schedule", Text),
    Column("brand_name", Text),
    Column("generic_name", Text),
    Column("strength", Text),
    Column("form", Text),
    Column("manufacturer", Text),
    # Of a product the drug, of a package the product; null: of neither, or nobody knows.
    Column("parent_id", Text),
    # Of a drug the term of its route, under which it is one of the forms; null: it is found by its name alone.
    Column("route_id", Text),
    CheckConstraint("kind IN ('Medication', 'MedicalEquipment')", name="kind"),
)
Index("ix_treatments_kind_id", treatments.c.kind, treatments.c.id)
Index("ix_treatments_parent_id", treatments.c.parent_id)
Index("ix_treatments_route_id", treatments.c.route_id)

medication_terms: Final = Table(
    "medication_terms",
    metadata,
    Column("id", Text, primary_key=True),
    Column("type", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("parent_id", Text, ForeignKey("medication_terms.id"), index=True),
    CheckConstraint("type IN ('CONCEPT', 'STRENGTH', 'ROUTE')", name="type"),
)

# Each word of a concept's name, folded, so that the beginning of any of them finds it through an index.
medication_words: Final = Table(
    "medication_words",
    metadata,
    Column("word", Text, primary_key=True),
    Column("term_id", Text, ForeignKey("medication_terms.id"), primary_key=True),
)

allergens: Final = Table(
    "allergens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("rxcui", Text),
)

dispense_units: Final = Table("dispense_units", metadata, Column("name", Text, primary_key=True))

pharmacies: Final = Table(
    "pharmacies",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("npi", Text),
    Column("ncpdp", Text),
    Column("phone", Text),
    Column("fax", Text),
    Column("address", JSON, nullable=False),
    Column("latitude", Float),
    Column("longitude", Float),
    Column("fulfillment_types", JSON, nullable=False),
)
Index("ix_pharmacies_latitude_longitude", pharmacies.c.latitude, pharmacies.c.longitude)
