"""`reference`: the data that every organization shares, imported from its official files."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rxauth.storage.database import Transaction


class Source(StrEnum):
    """Whose files can be imported."""

    NDC = "ndc"
    RXNORM = "rxnorm"
    PHARMACIES = "pharmacies"
    DIAGNOSES = "diagnoses"


app = typer.Typer(help="Import the data that every organization shares.", no_args_is_help=True)
app.callback()(lambda: None)  # or its only command would be the group itself


@app.command("import", short_help="Import reference data from its official files.")
def import_file(
    source: Annotated[
        Source,
        typer.Argument(
            help="ndc: the FDA's directory of drug codes. rxnorm: a release of RxNorm. pharmacies: the national "
            "register of providers (NPPES). diagnoses: the order file of ICD-10-CM."
        ),
    ],
    file: Annotated[Path, typer.Argument(help="The downloaded .zip; of NPPES and ICD-10-CM also the file inside it.")],
    places: Annotated[
        Path | None,
        typer.Option(
            help="With pharmacies: the Census Bureau's gazetteer of ZCTAs, which says where postal codes are."
        ),
    ] = None,
) -> None:
    """Import medications, ingredients and allergens, pharmacies or diagnoses.

    What was imported before is brought up to date, and nothing of it is taken away. An import that was cut off, or that
    met a broken line, is begun again with the same command. RxNorm comes after the directory of drug codes.
    """
    from contextlib import closing

    from rxauth.cli import reference_sources
    from rxauth.cli.installation import settings
    from rxauth.clock import Clock
    from rxauth.domain import audit
    from rxauth.domain.errors import InvalidError
    from rxauth.storage.database import Database
    from rxauth.storage.revisions import require_tables

    if places is not None and source is not Source.PHARMACIES:
        raise InvalidError("--places goes with pharmacies only")
    clock = Clock()

    def note(transaction: "Transaction", reason: str | None = None) -> None:
        details = work.counts
        act = audit.Act(audit.Event.REFERENCE_IMPORTED, audit.OPERATOR, target=source, reason=reason, details=details)
        audit.record(transaction, act, clock.microseconds())

    with closing(Database(settings().database_url)) as database:
        require_tables(database)
        work = reference_sources.Work(database, file, places, clock.seconds())
        try:
            reference_sources.SOURCES[source](work)
        except reference_sources.BROKEN:
            database.write(lambda tx: note(tx, "broken_file"))
            raise
        database.write(note)
    print(work.told())
