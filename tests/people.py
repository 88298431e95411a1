"""People for tests: somebody with a password, the letters that were queued, and what their links hold."""

import re
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import pytest

from rxauth.crypto import passwords as hashes
from rxauth.crypto.passwords import Cost
from rxauth.domain import mails, passwords, users
from rxauth.domain.mails import Letter, Outbox
from rxauth.domain.names import Name
from rxauth.domain.users import User
from rxauth.ids import Kind, new_id
from rxauth.storage.database import Database, Transaction
from tests.world import ISSUER, NOW, World

PASSWORD = "mauve tin lorry wharf"
CHEAP = Cost(8, 1, 1)
Result = TypeVar("Result")


def outbox(world: World) -> Outbox:
    """Returns where the letters of a world are put."""
    return Outbox(ISSUER, world.settings.sealing_key)


def add_person(transaction: Transaction, email: str, password: str | None = PASSWORD) -> User:
    """Adds somebody, with a password that costs little to hash."""
    user = User(new_id(Kind.USER, NOW * 1000), email, None, Name("Ada", "Marsh"), None)
    users.add(transaction, user, NOW)
    if password is not None:
        passwords.store(transaction, user.id, hashes.new_hash(password, CHEAP), NOW)
    return user


def letters(database: Database, world: World, to: str | None = None) -> list[Letter]:
    """Returns the letters that wait, in no order; to: only those to this address."""
    found = database.read(lambda tx: mails.all_of_them(tx, world.settings.sealing_key))
    return [letter for _, letter in found if to in {None, letter.to}]


def subjects(database: Database, world: World, to: str | None = None) -> list[str]:
    """Returns the subjects of the letters that wait, sorted."""
    return sorted(letter.subject for letter in letters(database, world, to))


def link_written(database: Database, world: World, work: Callable[[Transaction], Any]) -> str:
    """Returns what the link holds that is in the one letter with a link that an act wrote."""
    before = letters(database, world)
    database.write(work)
    [letter] = [one for one in letters(database, world) if one not in before and "?token=" in one.text]
    return token_of(letter)


def token_of(letter: Letter) -> str:
    """Returns what the link in a letter holds; it is a link to this server's configured URL."""
    found = re.search(rf"^{re.escape(ISSUER)}[a-z/]+\?token=([\w-]{{43}})$", letter.text, re.MULTILINE)
    assert found is not None, letter.text
    return found[1]


def one_after_the_other(world: World, work: Callable[[Transaction], Result]) -> tuple[Result, Future[Result]]:
    """Does something twice at once: the first transaction is held open by hand until the second waits for it."""
    first, second = world.open(), world.open()
    done: list[Future[Result]] = []

    def hold(transaction: Transaction) -> Result:
        result = work(transaction)
        if not done:
            done.append(thread.submit(second.write, work))
        with pytest.raises(TimeoutError):
            done[0].result(timeout=0.3)  # it waits for this one
        return result

    with ThreadPoolExecutor(1) as thread:
        result = first.write(hold)
        done[0].exception()
    first.close()
    second.close()
    return result, done[0]
