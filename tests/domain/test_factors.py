"""S-08: how second factors come and go, and who tries to take them away."""

import json
from base64 import b32decode
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import bindparam, update

from rxauth.crypto import one_time_codes
from rxauth.crypto.sealing import new_sealing_key
from rxauth.domain import factors, memberships, passkeys, recovery_codes, sessions, totp
from rxauth.domain.errors import AbsentError
from rxauth.domain.factors import FRESH_S, LastFactorError, StaleProofError
from rxauth.domain.passkeys import Asker, relying_party
from rxauth.domain.sessions import Proof, Session
from rxauth.domain.users import User
from rxauth.policy.roles import Role
from rxauth.storage.database import Database, Transaction
from rxauth.storage.tables.access import organizations
from rxauth.storage.tables.audit import audit_outbox
from rxauth.storage.tenancy import sql
from tests.authenticator import Authenticator
from tests.people import add_person, one_after_the_other
from tests.providers import authorize
from tests.world import ISSUER, NOW, World

KEY = new_sealing_key()
ASKER = Asker(relying_party(ISSUER), b"digest of a browser's cookie")
PASSWORD, BOTH = ("pwd",), ("pwd", "otp")
REQUIRE = sql(
    update(organizations).where(organizations.c.id == bindparam("the_id")).values(second_factor_required=True)
)
RECORDS = sql(audit_outbox.select().order_by(audit_outbox.c.id), across_tenants="a test reads them all")


@pytest.fixture
def database(world: World) -> Iterator[Database]:
    """The database of a world."""
    opened = world.open()
    yield opened
    opened.close()


@pytest.fixture
def ada(world: World, database: Database) -> User:
    """Somebody of the staff of Alder Clinic."""

    def work(transaction: Transaction) -> User:
        user = add_person(transaction, "ada@alder.example", None)
        memberships.add(transaction, world.alder.organization_id, user.id, [Role.STAFF], NOW)
        return user

    return database.write(work)


def add_totp(transaction: Transaction, user: User) -> None:
    """Gives somebody an authenticator app."""
    secret = totp.begin(transaction, user.id, KEY, NOW).secret
    code = one_time_codes.code_at(b32decode(secret), NOW)
    assert factors.confirm_totp(transaction, user.id, code, KEY, NOW)


def add_passkey(transaction: Transaction, user: User) -> str:
    """Gives somebody a passkey; returns its identifier."""
    answer = Authenticator().create(passkeys.registration_options(transaction, user.id, ASKER, NOW))
    made = factors.add_passkey(transaction, user.id, ASKER, answer, NOW, name="A phone")
    assert made is not None
    return made.id


def signed_in(database: Database, user: User, methods: tuple[str, ...]) -> Session:
    """Returns a session that began now."""
    return database.write(lambda tx: sessions.start(tx, Proof(user.id, methods, "192.0.2.0/24", ""), NOW))[0]


def require(transaction: Transaction, world: World) -> None:
    """Has Alder Clinic ask everybody for a second factor."""
    transaction.run(REQUIRE, the_id=world.alder.organization_id)


def prescribe(transaction: Transaction, world: World, user: User) -> None:
    """Makes somebody a prescriber."""
    authorize(transaction, world.alder.organization_id, user.id)
    memberships.set_roles(transaction, world.alder.organization_id, user.id, [Role.PRESCRIBER], NOW)


def test_a_person_sees_what_it_has(database: Database, ada: User) -> None:
    assert database.read(lambda tx: factors.of(tx, ada.id)).methods == ()
    database.write(lambda tx: factors.make_recovery_codes(tx, ada.id, NOW))
    assert database.read(lambda tx: factors.of(tx, ada.id)).methods == ()  # they recover, and there is nothing to
    database.write(lambda tx: add_totp(tx, ada))
    database.write(lambda tx: add_passkey(tx, ada))
    mine = database.read(lambda tx: factors.of(tx, ada.id))
    assert mine.methods == ("passkey", "totp", "recovery")
    assert (mine.totp_since, len(mine.passkeys), mine.recovery_codes_left) == (NOW, 1, 10)


def test_every_factor_that_comes_or_goes_is_recorded(database: Database, ada: User) -> None:
    database.write(lambda tx: add_totp(tx, ada))
    named = database.write(lambda tx: add_passkey(tx, ada))
    codes = database.write(lambda tx: factors.make_recovery_codes(tx, ada.id, NOW))
    database.write(lambda tx: factors.remove_passkey(tx, ada.id, named, NOW))
    database.write(lambda tx: factors.remove_totp(tx, ada.id, NOW))
    entries = [json.loads(row.entry) for row in database.read(lambda tx: tx.all(RECORDS))]
    mine = [(one["event"], one["factor"]) for one in entries if one["target"] == ada.id]
    assert sorted(mine) == [
        ("factor.added", "passkey"),
        ("factor.added", "totp"),
        ("factor.removed", "passkey"),
        ("factor.removed", "totp"),
        ("recovery_codes.made", "recovery"),
    ]
    assert not any(code in json.dumps(entries) for code in (*codes, "ada@alder.example"))


def test_nothing_is_recorded_of_what_did_not_happen(database: Database, ada: User) -> None:
    before = len(database.read(lambda tx: tx.all(RECORDS)))
    assert not database.write(lambda tx: factors.confirm_totp(tx, ada.id, "000000", KEY, NOW))
    assert database.write(lambda tx: factors.add_passkey(tx, ada.id, ASKER, "{}", NOW, name="A phone")) is None
    for work in (
        lambda tx: factors.remove_totp(tx, ada.id, NOW),
        lambda tx: factors.remove_passkey(tx, ada.id, "none", NOW),
    ):
        with pytest.raises(AbsentError):
            database.write(work)
    assert len(database.read(lambda tx: tx.all(RECORDS))) == before


@pytest.mark.parametrize("has_totp", [False, True], ids=["no factor", "an app"])
@pytest.mark.parametrize("methods", [PASSWORD, BOTH], ids=["password", "password and code"])
@pytest.mark.parametrize("age_s", [0, FRESH_S - 1, FRESH_S], ids=["now", "just fresh", "stale"])
def test_s_08_factors_are_changed_only_after_a_fresh_proof_with_all_that_the_person_has(
    database: Database, ada: User, has_totp: bool, methods: tuple[str, ...], age_s: int
) -> None:
    session = signed_in(database, ada, methods)
    if has_totp:
        database.write(lambda tx: add_totp(tx, ada))
    may_change = age_s < FRESH_S and (methods == BOTH or not has_totp)
    try:
        database.read(lambda tx: factors.require_fresh(tx, session, NOW + age_s))
    except StaleProofError:
        assert not may_change
    else:
        assert may_change


@pytest.mark.parametrize("why", [require, None], ids=["the organization asks", "a prescriber"])
def test_s_08_the_last_factor_of_somebody_who_must_have_one_stays(
    world: World, database: Database, ada: User, why: Callable[[Transaction, World], None] | None
) -> None:
    database.write(lambda tx: require(tx, world) if why else prescribe(tx, world, ada))
    database.write(lambda tx: add_totp(tx, ada))
    named = database.write(lambda tx: add_passkey(tx, ada))
    database.write(lambda tx: factors.make_recovery_codes(tx, ada.id, NOW))
    database.write(lambda tx: factors.remove_totp(tx, ada.id, NOW))
    with pytest.raises(LastFactorError, match="Alder Clinic"):
        database.write(lambda tx: factors.remove_passkey(tx, ada.id, named, NOW))
    mine = database.read(lambda tx: factors.of(tx, ada.id))
    assert (len(mine.passkeys), mine.recovery_codes_left) == (1, 10)
    database.write(lambda tx: add_totp(tx, ada))
    database.write(lambda tx: factors.remove_passkey(tx, ada.id, named, NOW))
    with pytest.raises(LastFactorError):
        database.write(lambda tx: factors.remove_totp(tx, ada.id, NOW))


def test_whoever_needs_none_may_remove_all_and_its_recovery_codes_go_too(database: Database, ada: User) -> None:
    database.write(lambda tx: add_totp(tx, ada))
    [code, *_] = database.write(lambda tx: factors.make_recovery_codes(tx, ada.id, NOW))
    database.write(lambda tx: factors.remove_totp(tx, ada.id, NOW))
    assert not database.read(lambda tx: factors.has_second(tx, ada.id))
    assert not database.write(lambda tx: recovery_codes.use(tx, ada.id, code, NOW))


def test_s_08_two_factors_removed_at_once_leave_one(world: World, database: Database, ada: User) -> None:
    database.write(lambda tx: require(tx, world))
    database.write(lambda tx: add_totp(tx, ada))
    named = database.write(lambda tx: add_passkey(tx, ada))
    is_first = iter([True, *[False] * 5])

    def remove(transaction: Transaction) -> None:
        if next(is_first):
            factors.remove_totp(transaction, ada.id, NOW)
        else:
            factors.remove_passkey(transaction, ada.id, named, NOW)

    _, second = one_after_the_other(world, remove)
    assert isinstance(second.exception(), LastFactorError)
    assert database.read(lambda tx: factors.of(tx, ada.id)).methods == ("passkey",)
