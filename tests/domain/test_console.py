"""The console: nothing of it is to be had without the proof of an operator, fresh where an act is dangerous."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from rxauth.crypto.jws import ALGORITHMS, new_signing_key
from rxauth.domain import console, memberships
from rxauth.domain.audit import Event
from rxauth.domain.audit_log import NoAuditLogError
from rxauth.domain.audit_tail import Tail
from rxauth.domain.console import NotFreshError, ProofError
from rxauth.domain.errors import AbsentError, ExistsError
from rxauth.domain.operator_acts import Removal, Rotation
from rxauth.domain.paging import FROM_THE_START, Page
from rxauth.domain.sessions import Limits
from rxauth.policy.operators import DANGEROUS_WITHIN_S, Operator
from rxauth.policy.roles import Role
from rxauth.storage.database import Database, Transaction
from tests.domain.test_audit import entries
from tests.people import add_person, letters, outbox
from tests.world import NOW, World

NOW_US = NOW * 1_000_000
FUNCTIONS = {
    name: one
    for name, one in inspect.getmembers(console, inspect.isfunction)
    if one.__module__ == console.__name__ and not name.startswith("_")
}
SPARE = [new_signing_key(one) for one in ALGORITHMS]
Do = Callable[[World, Transaction, Operator], Any]


def _owner(world: World) -> str:
    return world.birch.organization_id


def _rotation(world: World) -> Rotation:
    return Rotation(SPARE, world.settings.sealing_key, 0, 3_600)


def _removal(world: World) -> Removal:
    return Removal([world.current_key.key_id], SPARE[:1], world.settings.sealing_key, 300)


def _of(world: World) -> dict[str, Any]:
    return {"outbox": outbox(world), "now_us": NOW_US}


ACTS: dict[str, Do] = {
    "overview": lambda _, tx, op: console.overview(tx, op, NOW),
    "find_organizations": lambda _, tx, op: console.find_organizations(tx, op, "", Page(5, FROM_THE_START)),
    "organization": lambda w, tx, op: console.organization(tx, op, _owner(w), NOW),
    "create_organization": lambda w, tx, op: console.create_organization(tx, op, "Cedar", None, **_of(w)),
    "invite_administrator": lambda w, tx, op: console.invite_administrator(tx, op, _owner(w), "a@b.example", **_of(w)),
    "disable_organization": lambda w, tx, op: console.disable_organization(tx, op, _owner(w), NOW_US),
    "enable_organization": lambda w, tx, op: console.enable_organization(tx, op, _owner(w), NOW_US),
    "keys": lambda _, tx, op: console.keys(tx, op),
    "rotate_keys": lambda w, tx, op: console.rotate_keys(tx, op, _rotation(w), NOW_US),
    "removable_key": lambda w, tx, op: console.removable_key(tx, op, w.current_key.key_id, Limits(3_600, 86_400), NOW),
    "remove_keys": lambda w, tx, op: console.remove_keys(tx, op, _removal(w), NOW_US),
    "last_checkpoint": lambda _, tx, op: console.last_checkpoint(tx, op),
    "last_verification": lambda _, tx, op: console.last_verification(tx, op),
    "check_log": lambda _, tx, op: console.check_log(tx, op),
    "record_check": lambda _, tx, op: console.record_check(tx, op, Tail(1, 2, 2, 0, ()), NOW_US),
    "all_operators": lambda _, tx, op: console.all_operators(tx, op),
}
DANGEROUS = {"invite_administrator", "disable_organization", "enable_organization", "rotate_keys", "remove_keys"}


@pytest.fixture
def database(world: World) -> Iterator[Database]:
    """The database of a world."""
    opened = world.open()
    yield opened
    opened.close()


def prove(transaction: Transaction, ago_s: int = 0) -> Operator:
    """Returns the proof of an operator."""
    return Operator(transaction, "usr_olga", NOW - ago_s, "192.0.2.0/24")


def test_every_function_of_the_console_is_tried_here_and_demands_the_proof() -> None:
    assert FUNCTIONS.keys() == ACTS.keys()
    for function in FUNCTIONS.values():
        first, second, *_ = inspect.signature(function).parameters.values()
        assert (first.annotation, second.annotation) == (Transaction, Operator)


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("name", ACTS)
def test_the_proof_of_another_transaction_opens_nothing(world: World, database: Database, name: str) -> None:
    with pytest.raises(ProofError):
        database.write(lambda tx: ACTS[name](world, tx, Operator(object(), "usr_olga", NOW)))


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("name", ACTS)
def test_a_dangerous_act_wants_a_fresh_proof_and_no_other_does(world: World, database: Database, name: str) -> None:
    def work(tx: Transaction) -> None:
        with pytest.raises(NotFreshError) if name in DANGEROUS else suppress(AbsentError, NoAuditLogError):
            ACTS[name](world, tx, prove(tx, DANGEROUS_WITHIN_S + 1))

    database.write(work)


def test_what_an_operator_does_is_recorded_under_its_name(world: World, database: Database) -> None:
    for name in ("create_organization", "invite_administrator", "disable_organization", "enable_organization"):
        database.write(lambda tx, name=name: ACTS[name](world, tx, prove(tx)))  # type: ignore[misc]
    database.write(lambda tx: ACTS["rotate_keys"](world, tx, prove(tx)))
    found = entries(world)
    assert all(one["actor"] == {"kind": "operator", "id": "usr_olga"} for one in found)
    assert {one["network"] for one in found} == {"192.0.2.0/24"}
    assert sorted(one["event"] for one in found) == sorted(
        [
            *(Event.ORGANIZATION_CREATED, Event.PERSON_INVITED, Event.ORGANIZATION_DISABLED),
            *(Event.ORGANIZATION_ENABLED, *[Event.KEYS_ROTATED] * 3),
        ]
    )


def test_an_operator_invites_the_first_administrator_and_no_further_one(world: World, database: Database) -> None:
    owner = _owner(world)
    database.write(lambda tx: ACTS["invite_administrator"](world, tx, prove(tx)))
    assert [one.subject for one in letters(database, world, "a@b.example")] == ["Join Birch Clinic"]

    def join(tx: Transaction) -> None:
        memberships.add(tx, owner, add_person(tx, "ada@birch.example").id, [Role.ADMINISTRATOR], NOW)

    database.write(join)
    with pytest.raises(ExistsError):
        database.write(lambda tx: ACTS["invite_administrator"](world, tx, prove(tx)))


def test_an_organization_that_is_not_there_is_not_found(world: World, database: Database) -> None:
    with pytest.raises(AbsentError):
        database.read(lambda tx: console.organization(tx, prove(tx), "org_nowhere", NOW))
    with pytest.raises(AbsentError):
        database.write(lambda tx: ACTS["enable_organization"](world, tx, prove(tx)))
    found, size = database.read(lambda tx: ACTS["organization"](world, tx, prove(tx)))
    assert (found.name, size.machine_client) == ("Birch Clinic", world.birch.client_id)
