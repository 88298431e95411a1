"""Reference data that every organization shares: treatments, allergens, dispense units, pharmacies."""

from typing import Final

from sqlalchemy import JSON, CheckConstraint, Column, Float, Index, Table

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
    CheckConstraint("kind IN ('Medication', 'MedicalEquipment')", name="kind"),
)
Index("ix_treatments_kind_id", treatments.c.kind, treatments.c.id)

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
