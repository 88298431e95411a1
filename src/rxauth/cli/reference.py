"""`reference`: the data that every organization shares, imported from its official files."""

import datetime
import sys
import time
from collections.abc import Callable, Iterator
from enum import StrEnum
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rxauth.storage.database import Database, Transaction

_BATCH = 500  # a tenth of a second: a server that runs beside it goes on writing
_TELL_EVERY = 50_000


class Source(StrEnum):
    """Whose files can be imported."""

    NDC = "ndc"


app = typer.Typer(help="Import the data that every organization shares.", no_args_is_help=True)
app.callback()(lambda: None)  # or its only command would be the group itself


@app.command("import", short_help="Import medications from their official files.")
def import_file(
    source: Annotated[Source, typer.Argument(help="ndc: the FDA's directory of drug codes.")],
    file: Annotated[Path, typer.Argument(help="The downloaded .zip, with product.txt and package.txt inside.")],
) -> None:
    """Import medications, with their strengths, routes, forms, products and packages.

    What the directory leaves out, and what is marketed no longer, is not imported; what was imported before stays. An
    import that was cut off, or that met a broken line, is begun again with the same command.
    """
    from contextlib import closing

    from rxauth.cli.installation import settings
    from rxauth.clock import Clock
    from rxauth.domain import audit, ndc_file, ndc_import
    from rxauth.storage.database import Database
    from rxauth.storage.revisions import require_latest

    clock = Clock()
    today = datetime.datetime.fromtimestamp(clock.seconds(), datetime.UTC).strftime("%Y%m%d")
    counts = {"products": 0, "packages": 0, "left_out": 0}

    def note(transaction: "Transaction", reason: str | None = None) -> None:
        act = audit.Act(audit.Event.REFERENCE_IMPORTED, audit.OPERATOR, target=source, reason=reason, details=counts)
        audit.record(transaction, act, clock.microseconds())

    def keep_products(transaction: "Transaction", found: list[Any]) -> int:
        ndc_import.keep_products(transaction, found)
        return 0

    with closing(Database(settings().database_url)) as database:
        require_latest(database)
        try:
            for table, what, read, keep in (
                (ndc_file.PRODUCT_TABLE, "products", ndc_file.products, keep_products),
                (ndc_file.PACKAGE_TABLE, "packages", ndc_file.packages, ndc_import.keep_packages),
            ):
                with ndc_file.opened(file, table) as stream:
                    _keep(database, read(stream, today), keep, counts, what)
        except ndc_file.BrokenTableError:
            database.write(lambda tx: note(tx, "broken_file"))
            raise
        database.write(note)
    kept = f"{counts['products']} products and {counts['packages']} packages were imported"
    print(f"{kept}, {counts['left_out']} lines were left out.")


def _keep(
    database: "Database",
    found: "Iterator[Any]",
    keep: "Callable[..., int]",
    counts: dict[str, int],
    what: str,
) -> None:
    """Keeps what the lines of a table say, a transaction for each batch; counts it, and tells how far it is."""
    lines, began = 0, time.monotonic()
    while batch := list(islice(found, _BATCH)):
        kept = [one for one in batch if one is not None]
        homeless = database.write(partial(keep, found=kept))
        counts[what] += len(kept) - homeless
        counts["left_out"] += len(batch) - len(kept) + homeless
        lines += len(batch)
        if lines % _TELL_EVERY == 0:
            print(f"{what}: {lines} lines, {lines / (time.monotonic() - began):.0f} a second", file=sys.stderr)
