"""`nppes`: the national register of providers, imported from its published files."""

import sys
import time
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rxauth.storage.database import Database, Transaction

_BATCH = 2_000  # a tenth of a second: a server that runs beside it goes on writing
_TELL_EVERY = 100_000

app = typer.Typer(help="Import the national register of providers, look into it.", no_args_is_help=True)


@app.command("import", short_help="Import a file of the register.")
def import_file(
    file: Annotated[Path, typer.Argument(help="The downloaded .zip, monthly or weekly, or the .csv inside it.")],
) -> None:
    """Import a file of the register (NPPES): its NPIs are added, those that were there are replaced.

    An import that was cut off, or that met a broken line, is begun again with the same command.
    """
    from contextlib import closing

    from rxauth.cli.installation import settings
    from rxauth.clock import Clock
    from rxauth.domain import audit, nppes_imports
    from rxauth.domain.nppes_file import BrokenFileError
    from rxauth.storage.database import Database
    from rxauth.storage.revisions import require_tables

    clock, took = Clock(), time.monotonic()

    def begin(transaction: "Transaction") -> str:
        import_id = nppes_imports.begin(transaction, clock.milliseconds())
        act = audit.Act(audit.Event.NPPES_IMPORT_BEGUN, audit.OPERATOR, target=import_id)
        audit.record(transaction, act, clock.microseconds())
        return import_id

    def end(transaction: "Transaction", reason: str | None = None) -> None:
        if reason is None:
            nppes_imports.end(transaction, import_id, clock.seconds())
        act = audit.Act(
            audit.Event.NPPES_IMPORTED, audit.OPERATOR, target=import_id, reason=reason, details={"lines": lines}
        )
        audit.record(transaction, act, clock.microseconds())

    with closing(Database(settings().database_url)) as database:
        require_tables(database)
        import_id, lines = database.write(begin), 0
        try:
            for lines in _keep(database, import_id, file, clock.seconds()):
                if lines % _TELL_EVERY == 0:
                    print(f"{lines} lines, {lines / (time.monotonic() - took):.0f} a second", file=sys.stderr)
        except BrokenFileError:
            database.write(lambda tx: end(tx, "broken_file"))
            raise
        database.write(end)
    print(f"{lines} lines of the register were imported.")


@app.command("show", short_help="Show what the register says of an NPI.")
def show(npi: Annotated[str, typer.Argument(help="Ten digits.")]) -> None:
    """Show what the imported register says of an NPI. The exit code is 1 if it says nothing."""
    from rxauth.cli.installation import read
    from rxauth.cli.output import moment, table
    from rxauth.domain import nppes, nppes_imports
    from rxauth.domain.errors import AbsentError

    listed, last = read(lambda tx: (nppes.look_up(tx, npi), nppes_imports.last(tx)))
    if last is not None and last.ended_at is None:
        print(f"The import of {moment(last.began_at)} has not ended: import the file again.", file=sys.stderr)
    if listed is None:
        raise AbsentError(nppes.REASONS[nppes.Problem.NOT_VERIFIED])
    kinds = {nppes.INDIVIDUAL: "individual", nppes.ORGANIZATION: "organization", None: "-"}
    state = "active" if listed.deactivated_on is None else f"deactivated on {listed.deactivated_on}"
    name = f"{listed.last_name_key}, {listed.first_name_key}".strip(", ")
    row = (listed.npi, kinds[listed.entity_type], name, state, moment(listed.imported_at))
    print(table(("NPI", "TYPE", "NAME, AS COMPARED", "STATE", "IMPORTED"), [row]))


def _keep(database: "Database", import_id: str, file: Path, now: int) -> Iterator[int]:
    """Keeps a file's lines, a transaction for each batch; yields after each how many are kept so far."""
    from rxauth.domain import nppes_file, nppes_imports

    lines = 0
    with nppes_file.opened(file) as stream:
        rows = nppes_file.rows(stream, now)
        while batch := list(islice(rows, _BATCH)):
            database.write(partial(nppes_imports.keep, import_id=import_id, rows=batch))
            lines += len(batch)
            yield lines
