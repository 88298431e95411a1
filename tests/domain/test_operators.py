"""Operators: who is made one, who is one no longer, and forms that do one thing however often they are sent."""

from collections.abc import Iterator

import pytest

from rxauth.domain import (
    factors,
    operators,
    organization_list,
    organizations,
    password_changes,
    passwords,
    totp,
    users,
)
from rxauth.domain.errors import AbsentError, ExistsError, InvalidError
from rxauth.domain.factors import LastFactorError
from rxauth.domain.names import Name
from rxauth.domain.paging import FROM_THE_START, Page
from rxauth.storage.database import ConflictError, Database, Transaction
from tests.people import add_person, letters, one_after_the_other, outbox, token_of
from tests.world import ISSUER, NOW, World

EMAIL = "olga@platform.example"
OLGA = Name("Olga", "Petrov")


@pytest.fixture
def database(world: World) -> Iterator[Database]:
    """The database of a world."""
    opened = world.open()
    yield opened
    opened.close()


def test_somebody_with_an_account_becomes_an_operator_and_is_told(world: World, database: Database) -> None:
    user = database.write(lambda tx: add_person(tx, EMAIL))
    assert not database.read(lambda tx: operators.is_operator(tx, user.id))
    assert database.write(lambda tx: operators.add(tx, "OLGA@platform.example", outbox(world), NOW)) == user.id
    assert database.read(lambda tx: operators.is_operator(tx, user.id))
    with pytest.raises(ExistsError):
        database.write(lambda tx: operators.add(tx, EMAIL, outbox(world), NOW))
    [told] = letters(database, world, EMAIL)
    assert f"{ISSUER}admin" in told.text
    assert "?token=" not in told.text
    [listed] = database.read(operators.all_of_them)
    assert (listed.user_id, listed.email, listed.added_at, listed.is_disabled) == (user.id, EMAIL, NOW, False)


def test_somebody_new_gets_a_link_to_choose_a_password_and_belongs_to_no_organization(
    world: World, database: Database
) -> None:
    user_id = database.write(lambda tx: operators.add_new(tx, EMAIL, OLGA, outbox(world), NOW))
    [told] = letters(database, world, EMAIL)
    changed = database.write(lambda tx: password_changes.reset(tx, token_of(told), "a hash", outbox(world), NOW))
    assert changed is not None
    assert changed.id == user_id
    assert database.read(lambda tx: passwords.stored_hash(tx, user_id)) == "a hash"
    with pytest.raises(ExistsError):
        database.write(lambda tx: operators.add_new(tx, EMAIL, OLGA, outbox(world), NOW))
    with pytest.raises(InvalidError):
        database.write(lambda tx: operators.add_new(tx, "another@x.example", Name("", "P"), outbox(world), NOW))


def test_nobody_and_somebody_disabled_become_no_operator(world: World, database: Database) -> None:
    user = database.write(lambda tx: add_person(tx, EMAIL))
    database.write(lambda tx: users.disable(tx, user.id, NOW))
    for email in (EMAIL, "nobody@platform.example"):
        with pytest.raises(AbsentError):
            database.write(lambda tx, email=email: operators.add(tx, email, outbox(world), NOW))  # type: ignore[misc]
    assert database.read(operators.all_of_them) == []


def test_who_is_removed_or_disabled_is_an_operator_no_longer(world: World, database: Database) -> None:
    first = database.write(lambda tx: add_person(tx, EMAIL))
    second = database.write(lambda tx: add_person(tx, "otto@platform.example"))
    for one in (first, second):
        database.write(lambda tx, one=one: operators.add(tx, one.email, outbox(world), NOW))  # type: ignore[misc]
    assert database.write(lambda tx: operators.remove(tx, EMAIL)) == first.id
    with pytest.raises(AbsentError):
        database.write(lambda tx: operators.remove(tx, EMAIL))
    database.write(lambda tx: users.disable(tx, second.id, NOW))
    for one in (first, second):
        assert not database.read(lambda tx, one=one: operators.is_operator(tx, one.id))  # type: ignore[misc]
    assert [one.is_disabled for one in database.read(operators.all_of_them)] == [True]


def test_an_operator_keeps_a_second_factor(world: World, database: Database) -> None:
    user = database.write(lambda tx: add_person(tx, EMAIL))
    key = world.settings.sealing_key
    begun = database.write(lambda tx: totp.begin(tx, user.id, key, NOW))
    database.write(lambda tx: operators.add(tx, EMAIL, outbox(world), NOW))
    assert database.write(lambda tx: factors.confirm_totp(tx, user.id, _code(begun.secret), key, NOW))
    with pytest.raises(LastFactorError, match="operator console"):
        database.write(lambda tx: factors.remove_totp(tx, user.id, NOW))


def _code(secret: str) -> str:
    import pyotp

    return str(pyotp.TOTP(secret).at(NOW))


def test_a_form_that_was_sent_leads_where_it_led_and_is_forgotten_a_day_later(database: Database) -> None:
    assert database.read(lambda tx: operators.led_to(tx, "key")) is None
    database.write(lambda tx: operators.keep_form(tx, "key", "/admin/keys", NOW))
    with pytest.raises(ConflictError):
        database.write(lambda tx: operators.keep_form(tx, "key", "/admin", NOW))
    database.write(lambda tx: operators.FORGET_FORMS(tx, NOW + operators.FORM_KEPT_S - 1))
    assert database.read(lambda tx: operators.led_to(tx, "key")) == "/admin/keys"
    database.write(lambda tx: operators.FORGET_FORMS(tx, NOW + operators.FORM_KEPT_S))
    assert database.read(lambda tx: operators.led_to(tx, "key")) is None


def test_of_a_form_that_is_sent_twice_at_once_one_does_something(world: World) -> None:
    """The second transaction is held by the first, and then refused whole."""

    def work(tx: Transaction) -> str:
        made = organizations.create(tx, "Cedar", NOW)
        operators.keep_form(tx, "key", made.id, NOW)
        return made.id

    first, second = one_after_the_other(world, work)
    assert isinstance(second.exception(), ConflictError)
    opened = world.open()
    found = opened.read(lambda tx: organization_list.search(tx, "Cedar", Page(5, FROM_THE_START)))
    assert ([one.id for one in found], opened.read(lambda tx: operators.led_to(tx, "key"))) == ([first], first)
    opened.close()
