"""Reference data that every organization shares: treatments and the way to them, ingredients, diagnoses, pharmacies."""

from typing import Final

from sqlalchemy import JSON, Boolean, CheckConstraint, Column, Float, ForeignKey, Index, Table

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
Index("ix_treatments_parent_id_concept_id", treatments.c.parent_id, treatments.c.concept, treatments.c.id)
Index("ix_treatments_route_id", treatments.c.route_id)
Index("ix_treatments_concept_id", treatments.c.concept, treatments.c.id)

# Each word of the name of a drug or a piece of equipment; products and packages are looked for among those of one drug.
treatment_words: Final = Table(
    "treatment_words",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("word", Text, primary_key=True),
    Column("treatment_id", Text, ForeignKey("treatments.id"), primary_key=True, index=True),
    CheckConstraint("kind IN ('DRUG', 'MedicalEquipment')", name="kind"),
)

# The RxCUI and NDC of a medication, in each of the ways that people write them, without hyphens.
treatment_codes: Final = Table(
    "treatment_codes",
    metadata,
    Column("code", Text, primary_key=True),
    Column("treatment_id", Text, ForeignKey("treatments.id"), primary_key=True, index=True),
)

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
Index("ix_allergens_name_id", allergens.c.name, allergens.c.id)

allergen_words: Final = Table(
    "allergen_words",
    metadata,
    Column("word", Text, primary_key=True),
    Column("allergen_id", Text, ForeignKey("allergens.id"), primary_key=True, index=True),
)

# What treatments are made of, so that an allergy and a treatment, or two treatments, can be compared.
ingredients: Final = Table(
    "ingredients",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("rxcui", Text),
)

# A drug's count for its products and their packages too.
treatment_ingredients: Final = Table(
    "treatment_ingredients",
    metadata,
    Column("treatment_id", Text, ForeignKey("treatments.id"), primary_key=True),
    Column("ingredient_id", Text, ForeignKey("ingredients.id"), primary_key=True),
)

allergen_ingredients: Final = Table(
    "allergen_ingredients",
    metadata,
    Column("allergen_id", Text, ForeignKey("allergens.id"), primary_key=True),
    Column("ingredient_id", Text, ForeignKey("ingredients.id"), primary_key=True),
)

# Codes are written with their dot: E11.9.
diagnoses: Final = Table(
    "diagnoses",
    metadata,
    Column("code", Text, primary_key=True),
    Column("type", Text, nullable=False),
    Column("name", Text, nullable=False),
    # False: the code only begins others, which say more, and no bill is written with it.
    Column("billable", Boolean, nullable=False),
    CheckConstraint("type IN ('ICD10')", name="type"),
)

# Each word of a diagnosis's name, folded, as those of medications are.
diagnosis_words: Final = Table(
    "diagnosis_words",
    metadata,
    Column("word", Text, primary_key=True),
    Column("code", Text, ForeignKey("diagnoses.code"), primary_key=True, index=True),
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
Index("ix_pharmacies_name_id", pharmacies.c.name, pharmacies.c.id)

pharmacy_words: Final = Table(
    "pharmacy_words",
    metadata,
    Column("word", Text, primary_key=True),
    Column("pharmacy_id", Text, ForeignKey("pharmacies.id"), primary_key=True, index=True),
)

# What a pharmacy does, with its name, so that those that do one thing are listed by name in the order of an index.
pharmacy_services: Final = Table(
    "pharmacy_services",
    metadata,
    Column("fulfillment_type", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("pharmacy_id", Text, ForeignKey("pharmacies.id"), primary_key=True, index=True),
)
