"""The migration that fills the words and codes of reference data that was there before them."""

from importlib import import_module

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import create_engine, select, text

from rxauth.domain import treatment_store
from rxauth.storage.engines import parse_url
from rxauth.storage.tables import metadata
from tests.domain.test_drug_codes import CODED
from tests.world import World

TABLES = ("treatment_words", "treatment_codes", "allergen_words", "pharmacy_words", "pharmacy_services")


def test_what_was_there_is_found_as_if_it_were_imported_now(world: World) -> None:
    database = world.open()
    database.write(lambda tx: treatment_store.keep(tx, [CODED]))
    database.close()
    engine = create_engine(parse_url(world.settings.owner_database_url or world.settings.database_url))
    with engine.begin() as connection:
        made = {name: set(connection.execute(select(metadata.tables[name])).all()) for name in TABLES}
        for name in TABLES:
            connection.execute(text(f"DROP TABLE {name}"))
        for index in ("treatments_parent_id_concept_id", "treatments_concept_id", "allergens_name_id"):
            connection.execute(text(f"DROP INDEX ix_{index}"))
        connection.execute(text("DROP INDEX ix_pharmacies_name_id"))
        connection.execute(text("CREATE INDEX ix_treatments_parent_id ON treatments (parent_id)"))

        with Operations.context(MigrationContext.configure(connection)):
            import_module("rxauth.storage.migrations.versions.0013_reference_words").upgrade()

        again = {name: set(connection.execute(select(metadata.tables[name])).all()) for name in TABLES}
    engine.dispose()
    assert again == made
    assert all(made.values())
