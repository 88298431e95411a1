"""S-04: a hundred failures in a row, whatever the factor, and from however many processes."""

from collections.abc import Iterator

import pytest

from rxauth.crypto import one_time_codes
from rxauth.crypto import passwords as hashes
from rxauth.crypto.sealing import new_sealing_key
from rxauth.domain import failed_proofs, password_changes, password_resets, passwords, recovery_codes, totp
from rxauth.domain.failed_proofs import FAILURES_LIMIT, FREE_FAILURES, PAUSE_LIMIT_S
from rxauth.domain.users import User
from rxauth.storage.database import Database, Transaction
from rxauth.storage.tables.people import failed_proofs as table
from rxauth.storage.tenancy import sql
from tests.people import CHEAP, add_person, letters, one_after_the_other, outbox, token_of
from tests.world import NOW, World

ADA = "ada@alder.example"
KEY = new_sealing_key()


@pytest.fixture
def database(world: World) -> Iterator[Database]:
    """The database of a world."""
    opened = world.open()
    yield opened
    opened.close()


@pytest.fixture
def ada(database: Database) -> User:
    """Somebody whom many would like to be."""
    return database.write(lambda tx: add_person(tx, ADA))


def fail(database: Database, user: User, times: int = 1, now: int = NOW) -> None:
    """Counts failures."""
    for _ in range(times):
        database.write(lambda tx: failed_proofs.count(tx, user.id, now))


def wait_s(database: Database, user: User, now: int = NOW) -> int:
    """Returns how long somebody waits."""
    return database.read(lambda tx: failed_proofs.wait_s(tx, user.id, now))


def test_pauses_grow_from_a_second_to_a_quarter_of_an_hour(database: Database, ada: User) -> None:
    pauses = []
    for _ in range(18):
        fail(database, ada)
        pauses.append(wait_s(database, ada))
    assert pauses == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]
    assert pauses[: FREE_FAILURES - 1] == [0] * (FREE_FAILURES - 1)


def test_a_pause_passes(database: Database, ada: User) -> None:
    fail(database, ada, 8)
    assert [wait_s(database, ada, NOW + later) for later in (0, 7, 8, 9)] == [8, 1, 0, 0]


def test_a_success_ends_the_row(database: Database, ada: User) -> None:
    fail(database, ada, 10)
    database.write(lambda tx: failed_proofs.clear(tx, ada.id))
    assert wait_s(database, ada) == 0
    fail(database, ada, 4)
    assert wait_s(database, ada) == 0


def test_a_success_without_failures_before_writes_nothing(database: Database, ada: User) -> None:
    database.read(lambda tx: failed_proofs.clear(tx, ada.id))  # a read-only transaction would refuse


def test_s_04_after_a_hundred_failures_no_time_helps(database: Database, ada: User) -> None:
    fail(database, ada, FAILURES_LIMIT - 1)
    assert wait_s(database, ada, NOW + PAUSE_LIMIT_S) == 0
    fail(database, ada)
    assert wait_s(database, ada, NOW + 365 * 86_400) > 0


def test_s_04_a_reset_lets_its_owner_try_again(world: World, database: Database, ada: User) -> None:
    fail(database, ada, FAILURES_LIMIT)
    database.write(lambda tx: password_resets.ask(tx, ADA, outbox(world), NOW))
    token = token_of(letters(database, world, ADA)[-1])
    new = hashes.new_hash("ferry quilt under glass", CHEAP)
    database.write(lambda tx: password_changes.reset(tx, token, new, outbox(world), NOW))
    assert wait_s(database, ada) == 0


def test_s_04_one_persons_failures_are_nobody_elses(database: Database, ada: User) -> None:
    bob = database.write(lambda tx: add_person(tx, "bob@alder.example"))
    fail(database, ada, FAILURES_LIMIT)
    assert wait_s(database, bob) == 0


def test_s_04_failures_at_once_are_both_counted(world: World, database: Database, ada: User) -> None:
    """Both the first, for which there is no row yet, and the next."""
    for expected in (2, 4):
        one_after_the_other(world, lambda tx: failed_proofs.count(tx, ada.id, NOW))
        assert database.read(lambda tx: tx.first(sql(table.select())).count) == expected


def test_s_04_three_processes_and_three_factors_reach_their_verifiers_a_hundred_times(
    world: World, database: Database, ada: User
) -> None:
    """The clock is far ahead at each attempt, so that pauses alone stop nobody."""
    database.write(lambda tx: totp.begin(tx, ada.id, KEY, NOW))
    database.write(lambda tx: recovery_codes.make(tx, ada.id, NOW))
    stored = database.read(lambda tx: passwords.stored_hash(tx, ada.id))
    assert stored is not None
    processes = [world.open() for _ in range(3)]
    reached = 0

    def attempt(transaction: Transaction, number: int) -> bool:
        now = NOW + number * 2 * PAUSE_LIMIT_S
        failed_proofs.begin_attempt(transaction, ada.id)
        if failed_proofs.wait_s(transaction, ada.id, now) > 0:
            return False
        wrong = one_time_codes.code_at(b"some other secret at all", now)
        proven = (
            lambda: hashes.verify("wrong", stored, CHEAP),
            lambda: totp.verify(transaction, ada.id, wrong, KEY, now),
            lambda: recovery_codes.use(transaction, ada.id, "0000-0000-0000-0000", now),
        )[number // 3 % 3]()
        assert not proven
        failed_proofs.count(transaction, ada.id, now)
        return True

    for number in range(150):
        reached += processes[number % 3].write(lambda tx, number=number: attempt(tx, number))  # type: ignore[misc]
    for process in processes:
        process.close()
    assert reached == FAILURES_LIMIT


def test_s_04_attempts_at_once_wait_for_each_other(world: World, database: Database, ada: User) -> None:
    """Ninety-nine failed: of two attempts at once, one reaches the verifier."""
    fail(database, ada, FAILURES_LIMIT - 1)
    later = NOW + PAUSE_LIMIT_S

    def attempt(transaction: Transaction) -> bool:
        failed_proofs.begin_attempt(transaction, ada.id)
        if failed_proofs.wait_s(transaction, ada.id, later) > 0:
            return False
        failed_proofs.count(transaction, ada.id, later)
        return True

    first, second = one_after_the_other(world, attempt)
    assert (first, second.result()) == (True, False)
