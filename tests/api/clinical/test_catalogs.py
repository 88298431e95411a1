"""Catalogs: each organization has one, and keeps in it the treatments that it prescribes often."""

from typing import Any

import pytest
from sqlalchemy import text

from rxauth.domain import catalogs, organizations
from rxauth.policy.permissions import BY_NAME
from rxauth.policy.roles import Role
from tests.api.answers import code, the_error
from tests.api.clinical.catalogs import catalog, catalog_id, treatment_ids
from tests.api.documents import ADD_TO_CATALOG, CATALOG, CATALOGS, REMOVE_FROM_CATALOG
from tests.live import Live
from tests.people import one_after_the_other
from tests.token_holders import Holders
from tests.world import NOW, World

KEEPERS = ("write:order", "manage:organization")


def test_every_organization_has_one_catalog_that_has_its_name(clinic: Live, token: str) -> None:
    [ours] = clinic.data(token, CATALOGS)["catalogs"]
    [theirs] = clinic.data(clinic.token(clinic.world.birch), CATALOGS)["catalogs"]

    assert (ours["name"], theirs["name"]) == ("Alder Clinic", "Birch Clinic")
    assert ours["id"] != theirs["id"]
    assert ours["id"].startswith("cat_")


def test_a_new_organization_has_its_catalog_at_once(world: World) -> None:
    database = world.open()
    made = database.write(lambda tx: organizations.create(tx, "Cedar Clinic", NOW))

    [found] = database.read(lambda tx: catalogs.all_of_them(tx, made.id))

    assert found.name == "Cedar Clinic"
    database.close()


@pytest.mark.parametrize("variables", [{}, {"id": None}], ids=["left out", "null"])
def test_without_an_identifier_it_is_the_organizations_own(clinic: Live, token: str, variables: dict[str, Any]) -> None:
    assert clinic.data(token, CATALOG, variables)["catalog"]["id"] == catalog_id(clinic, token)


def test_there_is_no_catalog_of_an_unknown_identifier(clinic: Live, token: str) -> None:
    assert clinic.data(token, CATALOG, {"id": "cat_nothing"})["catalog"] is None


def test_treatments_are_put_in_and_taken_out_again(live: Live) -> None:
    token = live.token(live.world.alder)
    catalog_id_, [first, second, *_] = catalog_id(live, token), treatment_ids(live, token)
    equipment = live.data(token, "{ medicalEquipment(first: 1) { id name } }")["medicalEquipment"][0]
    for treatment_id in (first, second, equipment["id"]):
        document = "mutation($c: ID!, $t: ID!) { addToCatalog(catalogId: $c, treatmentId: $t) { id } }"
        added = live.data(token, document, {"c": catalog_id_, "t": treatment_id})
        assert added == {"addToCatalog": {"id": treatment_id}}

    shown = catalog(live, token)["treatments"]

    assert {one["id"] for one in shown} == {first, second, equipment["id"]}
    assert [one["name"] for one in shown] == sorted(one["name"] for one in shown)
    assert catalog(live, live.token(live.world.birch))["treatments"] == []
    removed = live.data(token, REMOVE_FROM_CATALOG, {"catalogId": catalog_id_, "treatmentId": first})
    assert removed["removeFromCatalog"]["id"] == first
    assert {one["id"] for one in catalog(live, token)["treatments"]} == {second, equipment["id"]}


def test_a_treatment_is_in_a_catalog_once(live: Live) -> None:
    token = live.token(live.world.alder)
    place = {"catalogId": catalog_id(live, token), "treatmentId": treatment_ids(live, token)[0]}
    live.data(token, ADD_TO_CATALOG, place)

    error = the_error(live.graphql(token, ADD_TO_CATALOG, place))

    assert (error["extensions"]["code"], error["message"]) == ("CONFLICT", "the treatment is in the catalog already")
    assert len(catalog(live, token)["treatments"]) == 1


@pytest.mark.parametrize("document", [ADD_TO_CATALOG, REMOVE_FROM_CATALOG], ids=["add", "remove"])
@pytest.mark.parametrize("absent", ["catalogId", "treatmentId"])
def test_what_is_not_there_is_not_found(clinic: Live, token: str, document: str, absent: str) -> None:
    place = {"catalogId": catalog_id(clinic, token), "treatmentId": treatment_ids(clinic, token)[0]}

    assert code(clinic.graphql(token, document, place | {absent: "cat_nothing"})) == "NOT_FOUND"


def test_a_treatment_that_is_not_in_the_catalog_is_not_taken_out(clinic: Live, token: str) -> None:
    place = {"catalogId": catalog_id(clinic, token), "treatmentId": treatment_ids(clinic, token)[5]}

    error = the_error(clinic.graphql(token, REMOVE_FROM_CATALOG, place))

    assert error["message"] == "the treatment is not in the catalog"


def test_a_full_catalog_takes_no_more_not_even_from_two_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogs, "TREATMENTS_LIMIT", 1)
    database = world.open()
    organization_id = world.alder.organization_id
    [mine] = database.read(lambda tx: catalogs.all_of_them(tx, organization_id))
    known = database.read(lambda tx: tx.connection.execute(text("SELECT id FROM treatments")).scalars().all())
    left = list(known[:2])

    _, second = one_after_the_other(world, lambda tx: catalogs.add_treatment(tx, organization_id, mine.id, left.pop()))

    assert str(second.exception()) == "a catalog has at most 1 treatments: remove one"
    kept = database.read(lambda tx: catalogs.treatments_of(tx, organization_id, [mine.id]))
    assert len(kept[mine.id]) == 1
    database.close()


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.PRESCRIBER])
def test_those_who_keep_catalogs_hold_one_of_two_permissions(sqlite_live: Live, role: Role) -> None:
    holders = Holders(sqlite_live)
    token = holders.tokens(holders.person(role))["access_token"]
    place = {"catalogId": catalog_id(sqlite_live, token), "treatmentId": treatment_ids(sqlite_live, token)[0]}

    answer = sqlite_live.graphql(token, ADD_TO_CATALOG, place)

    may = any(role in BY_NAME[name].roles for name in KEEPERS)
    assert ("errors" not in answer.json()) == may
    if not may:
        error = the_error(answer)
        assert (error["extensions"]["code"], error["extensions"]["requiredPermission"]) == ("FORBIDDEN", KEEPERS[0])
