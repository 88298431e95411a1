"""Work in the database of a world that is undone again, so that tests share the world."""

from collections.abc import Callable
from dataclasses import dataclass

from rxauth.storage.database import Database, Transaction


class _UndoError(Exception):
    """The work is over."""


@dataclass(frozen=True)
class Undone:
    """Runs work that nobody keeps, in the database of a world with an organization."""

    database: Database
    organization_id: str

    def run(self, work: Callable[[Transaction], object]) -> None:
        """Runs work in a transaction, and takes back what it did."""

        def all_of_it(transaction: Transaction) -> None:
            work(transaction)
            raise _UndoError

        try:
            self.database.write(all_of_it)
        except _UndoError:
            return
