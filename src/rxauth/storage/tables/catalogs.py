"""What an organization prescribes often: its catalogs, the treatments in them, and templates of prescriptions."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Float, ForeignKey, Index, Integer

from rxauth.storage.tables.metadata import Text, tenant_table

catalogs: Final = tenant_table(
    "catalogs",
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
)
Index("ix_catalogs_organization_id_id", catalogs.c.organization_id, catalogs.c.id)

catalog_treatments: Final = tenant_table(
    "catalog_treatments",
    Column("catalog_id", Text, ForeignKey("catalogs.id"), primary_key=True),
    Column("treatment_id", Text, ForeignKey("treatments.id"), primary_key=True),
)

prescription_templates: Final = tenant_table(
    "prescription_templates",
    Column("id", Text, primary_key=True),
    Column("catalog_id", Text, ForeignKey("catalogs.id"), nullable=False),
    # The one person who sees it and uses it; null: everybody in the organization does.
    Column("owner_id", Text, ForeignKey("users.id")),
    Column("treatment_id", Text, ForeignKey("treatments.id"), nullable=False),
    Column("name", Text),
    Column("dispense_as_written", Boolean),
    Column("dispense_quantity", Float),
    Column("dispense_unit", Text),
    Column("fills_allowed", Integer),
    Column("days_supply", Integer),
    Column("instructions", Text),
    Column("notes", Text),
    Column("created_at_ms", BigInteger, nullable=False),
)
Index(
    "ix_prescription_templates_catalog",
    prescription_templates.c.organization_id,
    prescription_templates.c.catalog_id,
    prescription_templates.c.id,
)
