"""What an organization keeps of its patients: patients, prescriptions, orders and fills."""

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    text,
)

from rxauth.storage.tables.metadata import Text, tenant_table


def _one_external_id(table: Table) -> None:
    Index(
        f"uq_{table.name}_external_id",
        table.c.organization_id,
        table.c.external_id,
        unique=True,
        sqlite_where=text("external_id IS NOT NULL"),
        postgresql_where=text("external_id IS NOT NULL"),
    )


patients: Final = tenant_table(
    "patients",
    Column("id", Text, primary_key=True),
    Column("external_id", Text),
    Column("title", Text),
    Column("first_name", Text, nullable=False),
    Column("middle_name", Text),
    Column("last_name", Text, nullable=False),
    Column("date_of_birth", Text, nullable=False),
    Column("sex", Text, nullable=False),
    Column("gender", Text),
    Column("email", Text),
    Column("phone", Text, nullable=False),
    Column("address", JSON),
    Column("created_at_ms", BigInteger, nullable=False),
    CheckConstraint("sex IN ('MALE', 'FEMALE', 'UNKNOWN')", name="sex"),
)
Index("ix_patients_organization_id_id", patients.c.organization_id, patients.c.id)
_one_external_id(patients)

# Each word of a patient's name, folded, so that the beginning of any of them finds the patient through an index.
patient_names: Final = tenant_table(
    "patient_names",
    Column("word", Text, primary_key=True),
    Column("patient_id", Text, ForeignKey("patients.id"), primary_key=True),
    # The first three letters, under which patients are in order.
    Column("start", Text, nullable=False),
    in_primary_key=True,
)
Index(
    "ix_patient_names_patient",
    patient_names.c.organization_id,
    patient_names.c.patient_id,
    patient_names.c.word,
)
Index(
    "ix_patient_names_start",
    patient_names.c.organization_id,
    patient_names.c.start,
    patient_names.c.patient_id,
    patient_names.c.word,
)

patient_allergies: Final = tenant_table(
    "patient_allergies",
    Column("patient_id", Text, ForeignKey("patients.id"), primary_key=True),
    Column("allergen_id", Text, ForeignKey("allergens.id"), primary_key=True),
    Column("comment", Text),
    Column("onset", Text),
)

patient_medications: Final = tenant_table(
    "patient_medications",
    Column("patient_id", Text, ForeignKey("patients.id"), primary_key=True),
    Column("treatment_id", Text, ForeignKey("treatments.id"), primary_key=True),
    Column("active", Boolean, nullable=False),
    Column("comment", Text),
)

patient_pharmacies: Final = tenant_table(
    "patient_pharmacies",
    Column("patient_id", Text, ForeignKey("patients.id"), primary_key=True),
    Column("pharmacy_id", Text, ForeignKey("pharmacies.id"), primary_key=True),
    Column("position", Integer, nullable=False),
)

prescriptions: Final = tenant_table(
    "prescriptions",
    Column("id", Text, primary_key=True),
    Column("external_id", Text),
    Column("state", Text, nullable=False),
    Column("prescriber_id", Text, ForeignKey("users.id"), nullable=False),
    Column("patient_id", Text, ForeignKey("patients.id"), nullable=False),
    Column("treatment_id", Text, ForeignKey("treatments.id"), nullable=False),
    Column("dispense_as_written", Boolean, nullable=False),
    Column("dispense_quantity", Float, nullable=False),
    Column("dispense_unit", Text, nullable=False),
    Column("fills_allowed", Integer, nullable=False),
    Column("fills_remaining", Integer, nullable=False),
    Column("days_supply", Integer),
    Column("instructions", Text, nullable=False),
    Column("notes", Text),
    Column("effective_date", Text, nullable=False),
    Column("do_not_fill_before_date", Text),
    Column("expiration_date", Text, nullable=False),
    Column("written_at_ms", BigInteger, nullable=False),
    CheckConstraint("state IN ('DRAFT', 'ACTIVE', 'DEPLETED', 'EXPIRED', 'CANCELED')", name="state"),
    CheckConstraint("fills_remaining BETWEEN 0 AND fills_allowed", name="fills_remaining"),
)
Index("ix_prescriptions_organization_id_id", prescriptions.c.organization_id, prescriptions.c.id)
Index("ix_prescriptions_patient", prescriptions.c.organization_id, prescriptions.c.patient_id, prescriptions.c.id)
# What a day that is over ends: few rows at a time, whatever the number of prescriptions.
Index(
    "ix_prescriptions_expiring",
    prescriptions.c.expiration_date,
    prescriptions.c.id,
    sqlite_where=text("state = 'ACTIVE'"),
    postgresql_where=text("state = 'ACTIVE'"),
)
# Those that the day may have ended since somebody looked: few, for they are soon stored as expired.
Index(
    "ix_prescriptions_ending",
    prescriptions.c.organization_id,
    prescriptions.c.state,
    prescriptions.c.expiration_date,
    prescriptions.c.id,
    sqlite_where=text("state = 'ACTIVE'"),
    postgresql_where=text("state = 'ACTIVE'"),
)
Index("ix_prescriptions_state", prescriptions.c.organization_id, prescriptions.c.state, prescriptions.c.id)
Index("ix_prescriptions_prescriber", prescriptions.c.organization_id, prescriptions.c.prescriber_id, prescriptions.c.id)
Index(
    "ix_prescriptions_prescriber_state",
    prescriptions.c.organization_id,
    prescriptions.c.prescriber_id,
    prescriptions.c.state,
    prescriptions.c.id,
)
_one_external_id(prescriptions)

prescription_diagnoses: Final = tenant_table(
    "prescription_diagnoses",
    Column("prescription_id", Text, ForeignKey("prescriptions.id"), primary_key=True),
    Column("diagnosis_code", Text, ForeignKey("diagnoses.code"), primary_key=True),
    Column("position", Integer, nullable=False),
)

orders: Final = tenant_table(
    "orders",
    Column("id", Text, primary_key=True),
    Column("external_id", Text),
    Column("state", Text, nullable=False),
    Column("patient_id", Text, ForeignKey("patients.id"), nullable=False),
    Column("pharmacy_id", Text, ForeignKey("pharmacies.id")),
    Column("address", JSON),
    Column("fulfillment_type", Text),
    Column("fulfillment_state", Text),
    Column("carrier", Text),
    Column("tracking_number", Text),
    # Why somebody canceled it; null: it is not canceled, or nobody said why.
    Column("cancel_reason", Text),
    Column("created_at_ms", BigInteger, nullable=False),
    CheckConstraint("state IN ('ROUTING', 'PENDING', 'PLACED', 'COMPLETED', 'CANCELED', 'ERROR')", name="state"),
)
Index("ix_orders_organization_id_id", orders.c.organization_id, orders.c.id)
Index("ix_orders_patient", orders.c.organization_id, orders.c.patient_id, orders.c.id)
Index("ix_orders_state", orders.c.organization_id, orders.c.state, orders.c.id)
_one_external_id(orders)

fills: Final = tenant_table(
    "fills",
    Column("id", Text, primary_key=True),
    Column("order_id", Text, ForeignKey("orders.id"), nullable=False),
    Column("prescription_id", Text, ForeignKey("prescriptions.id")),
    Column("treatment_id", Text, ForeignKey("treatments.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("requested_at_ms", BigInteger, nullable=False),
    Column("filled_at_ms", BigInteger),
    CheckConstraint("state IN ('SCHEDULED', 'NEW', 'SENT', 'CANCELED')", name="state"),
)
Index("ix_fills_order", fills.c.organization_id, fills.c.order_id)
Index("ix_fills_prescription", fills.c.organization_id, fills.c.prescription_id)

# What went wrong with orders.
order_exceptions: Final = tenant_table(
    "order_exceptions",
    Column("id", Text, primary_key=True),
    Column("order_id", Text, ForeignKey("orders.id"), nullable=False),
    Column("type", Text, nullable=False),
    Column("message", Text),
    Column("created_at_ms", BigInteger, nullable=False),
    # Null: nobody rerouted, resent or canceled the order yet.
    Column("resolved_at_ms", BigInteger),
)
Index("ix_order_exceptions_order", order_exceptions.c.organization_id, order_exceptions.c.order_id)
