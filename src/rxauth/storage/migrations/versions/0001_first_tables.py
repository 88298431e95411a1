"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "allergens",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("rxcui", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allergens")),
    )
    op.create_table(
        "audit_outbox",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("recorded_at_us", sa.BigInteger(), nullable=False),
        sa.Column("organization_id", TEXT, nullable=True),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_outbox")),
    )
    op.create_table(
        "changes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("subject_id", TEXT, nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_changes")),
    )
    op.create_index(op.f("ix_changes_transaction_id"), "changes", ["transaction_id"], unique=False)
    op.create_table(
        "dispense_units",
        sa.Column("name", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_dispense_units")),
    )
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sandbox", sa.Boolean(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_installation_single_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
    )
    op.create_table(
        "organizations",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organizations")),
    )
    op.create_table(
        "pharmacies",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("npi", TEXT, nullable=True),
        sa.Column("ncpdp", TEXT, nullable=True),
        sa.Column("phone", TEXT, nullable=True),
        sa.Column("fax", TEXT, nullable=True),
        sa.Column("address", sa.JSON(), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("fulfillment_types", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pharmacies")),
    )
    op.create_index("ix_pharmacies_latitude_longitude", "pharmacies", ["latitude", "longitude"], unique=False)
    op.create_table(
        "signing_keys",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("algorithm", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("public_jwk", TEXT, nullable=False),
        sa.Column("sealed_private", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("verify_until", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("state IN ('next', 'current', 'previous')", name=op.f("ck_signing_keys_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_keys")),
    )
    op.create_index(
        "uq_signing_keys_one_of_a_state",
        "signing_keys",
        ["state"],
        unique=True,
        sqlite_where=sa.text("state <> 'previous'"),
        postgresql_where=sa.text("state <> 'previous'"),
    )
    op.create_table(
        "treatments",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("description", TEXT, nullable=True),
        sa.Column("codes", sa.JSON(), nullable=False),
        sa.Column("medication_type", TEXT, nullable=True),
        sa.Column("concept", TEXT, nullable=True),
        sa.Column("schedule", TEXT, nullable=True),
        sa.Column("brand_name", TEXT, nullable=True),
        sa.Column("generic_name", TEXT, nullable=True),
        sa.Column("strength", TEXT, nullable=True),
        sa.Column("form", TEXT, nullable=True),
        sa.Column("manufacturer", TEXT, nullable=True),
        sa.CheckConstraint("kind IN ('Medication', 'MedicalEquipment')", name=op.f("ck_treatments_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_treatments")),
    )
    op.create_index("ix_treatments_kind_id", "treatments", ["kind", "id"], unique=False)
    op.create_table(
        "users",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("email", TEXT, nullable=False),
        sa.Column("phone", TEXT, nullable=True),
        sa.Column("title", TEXT, nullable=True),
        sa.Column("first_name", TEXT, nullable=False),
        sa.Column("middle_name", TEXT, nullable=True),
        sa.Column("last_name", TEXT, nullable=False),
        sa.Column("npi", TEXT, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
    )
    op.create_table(
        "clients",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("app_type", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True),
        sa.Column("tokens_valid_after", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("app_type IN ('non_interactive')", name=op.f("ck_clients_app_type")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_clients_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clients")),
        info={"tenant": True},
    )
    op.create_index(
        "uq_clients_one_machine_client",
        "clients",
        ["organization_id"],
        unique=True,
        sqlite_where=sa.text("app_type = 'non_interactive'"),
        postgresql_where=sa.text("app_type = 'non_interactive'"),
    )
    op.create_table(
        "patients",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("external_id", TEXT, nullable=True),
        sa.Column("title", TEXT, nullable=True),
        sa.Column("first_name", TEXT, nullable=False),
        sa.Column("middle_name", TEXT, nullable=True),
        sa.Column("last_name", TEXT, nullable=False),
        sa.Column("date_of_birth", TEXT, nullable=False),
        sa.Column("sex", TEXT, nullable=False),
        sa.Column("gender", TEXT, nullable=True),
        sa.Column("email", TEXT, nullable=True),
        sa.Column("phone", TEXT, nullable=False),
        sa.Column("address", sa.JSON(), nullable=True),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("sex IN ('MALE', 'FEMALE', 'UNKNOWN')", name=op.f("ck_patients_sex")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_patients_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patients")),
        info={"tenant": True},
    )
    op.create_index("ix_patients_organization_id_id", "patients", ["organization_id", "id"], unique=False)
    op.create_index(
        "uq_patients_external_id",
        "patients",
        ["organization_id", "external_id"],
        unique=True,
        sqlite_where=sa.text("external_id IS NOT NULL"),
        postgresql_where=sa.text("external_id IS NOT NULL"),
    )
    op.create_table(
        "client_permissions",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("client_id", TEXT, nullable=False),
        sa.Column("permission", TEXT, nullable=False),
        sa.CheckConstraint(
            "permission <> 'write:prescription'", name=op.f("ck_client_permissions_no_machine_writes_prescriptions")
        ),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_client_permissions_client_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_client_permissions_organization_id")
        ),
        sa.PrimaryKeyConstraint("client_id", "permission", name=op.f("pk_client_permissions")),
        info={"tenant": True},
    )
    op.create_table(
        "client_secrets",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("client_id", TEXT, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_client_secrets_client_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_client_secrets_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_client_secrets")),
        info={"tenant": True},
    )
    op.create_index(op.f("ix_client_secrets_client_id"), "client_secrets", ["client_id"], unique=False)
    op.create_table(
        "orders",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("external_id", TEXT, nullable=True),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("patient_id", TEXT, nullable=False),
        sa.Column("pharmacy_id", TEXT, nullable=True),
        sa.Column("address", sa.JSON(), nullable=True),
        sa.Column("fulfillment_type", TEXT, nullable=True),
        sa.Column("fulfillment_state", TEXT, nullable=True),
        sa.Column("carrier", TEXT, nullable=True),
        sa.Column("tracking_number", TEXT, nullable=True),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state IN ('ROUTING', 'PENDING', 'PLACED', 'COMPLETED', 'CANCELED', 'ERROR')", name=op.f("ck_orders_state")
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_orders_organization_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name=op.f("fk_orders_patient_id")),
        sa.ForeignKeyConstraint(["pharmacy_id"], ["pharmacies.id"], name=op.f("fk_orders_pharmacy_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        info={"tenant": True},
    )
    op.create_index("ix_orders_organization_id_id", "orders", ["organization_id", "id"], unique=False)
    op.create_index("ix_orders_patient", "orders", ["organization_id", "patient_id", "id"], unique=False)
    op.create_index(
        "uq_orders_external_id",
        "orders",
        ["organization_id", "external_id"],
        unique=True,
        sqlite_where=sa.text("external_id IS NOT NULL"),
        postgresql_where=sa.text("external_id IS NOT NULL"),
    )
    op.create_table(
        "patient_allergies",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("patient_id", TEXT, nullable=False),
        sa.Column("allergen_id", TEXT, nullable=False),
        sa.Column("comment", TEXT, nullable=True),
        sa.Column("onset", TEXT, nullable=True),
        sa.ForeignKeyConstraint(["allergen_id"], ["allergens.id"], name=op.f("fk_patient_allergies_allergen_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_patient_allergies_organization_id")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name=op.f("fk_patient_allergies_patient_id")),
        sa.PrimaryKeyConstraint("patient_id", "allergen_id", name=op.f("pk_patient_allergies")),
        info={"tenant": True},
    )
    op.create_table(
        "patient_medications",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("patient_id", TEXT, nullable=False),
        sa.Column("treatment_id", TEXT, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("comment", TEXT, nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_patient_medications_organization_id")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name=op.f("fk_patient_medications_patient_id")),
        sa.ForeignKeyConstraint(["treatment_id"], ["treatments.id"], name=op.f("fk_patient_medications_treatment_id")),
        sa.PrimaryKeyConstraint("patient_id", "treatment_id", name=op.f("pk_patient_medications")),
        info={"tenant": True},
    )
    op.create_table(
        "patient_names",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("word", TEXT, nullable=False),
        sa.Column("patient_id", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_patient_names_organization_id")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name=op.f("fk_patient_names_patient_id")),
        sa.PrimaryKeyConstraint("organization_id", "word", "patient_id", name=op.f("pk_patient_names")),
        info={"tenant": True},
    )
    op.create_index(op.f("ix_patient_names_patient_id"), "patient_names", ["patient_id"], unique=False)
    op.create_table(
        "patient_pharmacies",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("patient_id", TEXT, nullable=False),
        sa.Column("pharmacy_id", TEXT, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_patient_pharmacies_organization_id")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name=op.f("fk_patient_pharmacies_patient_id")),
        sa.ForeignKeyConstraint(["pharmacy_id"], ["pharmacies.id"], name=op.f("fk_patient_pharmacies_pharmacy_id")),
        sa.PrimaryKeyConstraint("patient_id", "pharmacy_id", name=op.f("pk_patient_pharmacies")),
        info={"tenant": True},
    )
    op.create_table(
        "prescriptions",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("external_id", TEXT, nullable=True),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("prescriber_id", TEXT, nullable=False),
        sa.Column("patient_id", TEXT, nullable=False),
        sa.Column("treatment_id", TEXT, nullable=False),
        sa.Column("dispense_as_written", sa.Boolean(), nullable=False),
        sa.Column("dispense_quantity", sa.Float(), nullable=False),
        sa.Column("dispense_unit", TEXT, nullable=False),
        sa.Column("fills_allowed", sa.Integer(), nullable=False),
        sa.Column("fills_remaining", sa.Integer(), nullable=False),
        sa.Column("days_supply", sa.Integer(), nullable=True),
        sa.Column("instructions", TEXT, nullable=False),
        sa.Column("notes", TEXT, nullable=True),
        sa.Column("effective_date", TEXT, nullable=False),
        sa.Column("do_not_fill_before_date", TEXT, nullable=True),
        sa.Column("expiration_date", TEXT, nullable=False),
        sa.Column("written_at_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state IN ('DRAFT', 'ACTIVE', 'DEPLETED', 'EXPIRED', 'CANCELED')", name=op.f("ck_prescriptions_state")
        ),
        sa.CheckConstraint(
            "fills_remaining BETWEEN 0 AND fills_allowed", name=op.f("ck_prescriptions_fills_remaining")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_prescriptions_organization_id")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name=op.f("fk_prescriptions_patient_id")),
        sa.ForeignKeyConstraint(["prescriber_id"], ["users.id"], name=op.f("fk_prescriptions_prescriber_id")),
        sa.ForeignKeyConstraint(["treatment_id"], ["treatments.id"], name=op.f("fk_prescriptions_treatment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prescriptions")),
        info={"tenant": True},
    )
    op.create_index("ix_prescriptions_organization_id_id", "prescriptions", ["organization_id", "id"], unique=False)
    op.create_index("ix_prescriptions_patient", "prescriptions", ["organization_id", "patient_id", "id"], unique=False)
    op.create_index(
        "uq_prescriptions_external_id",
        "prescriptions",
        ["organization_id", "external_id"],
        unique=True,
        sqlite_where=sa.text("external_id IS NOT NULL"),
        postgresql_where=sa.text("external_id IS NOT NULL"),
    )
    op.create_table(
        "fills",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("order_id", TEXT, nullable=False),
        sa.Column("prescription_id", TEXT, nullable=True),
        sa.Column("treatment_id", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("requested_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("filled_at_ms", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("state IN ('SCHEDULED', 'NEW', 'SENT', 'CANCELED')", name=op.f("ck_fills_state")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_fills_order_id")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_fills_organization_id")),
        sa.ForeignKeyConstraint(["prescription_id"], ["prescriptions.id"], name=op.f("fk_fills_prescription_id")),
        sa.ForeignKeyConstraint(["treatment_id"], ["treatments.id"], name=op.f("fk_fills_treatment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fills")),
        info={"tenant": True},
    )
    op.create_index("ix_fills_order", "fills", ["organization_id", "order_id"], unique=False)
    op.create_index("ix_fills_prescription", "fills", ["organization_id", "prescription_id"], unique=False)
