"""Templates of prescriptions: kept by those who keep catalogs, shown to whoever they belong to, and no prescription."""

from typing import Any

import pytest

from rxauth.domain import catalogs, templates
from rxauth.domain.templates import Template
from rxauth.policy.roles import Role
from tests.api.answers import Clinics, code, the_error
from tests.api.clinical.catalogs import catalog, catalog_id, template, treatment_ids
from tests.api.documents import CREATE_TEMPLATE, DELETE_TEMPLATE, UPDATE_TEMPLATE
from tests.live import Live
from tests.people import one_after_the_other
from tests.token_holders import Holders
from tests.world import NOW, World

VALUES: dict[str, Any] = {
    "name": "Strep throat",
    "dispenseAsWritten": True,
    "dispenseQuantity": 20.5,
    "dispenseUnit": "Capsule",
    "fillsAllowed": 2,
    "daysSupply": 10,
    "instructions": "Take one capsule\ntwice a day.",
    "notes": "With food.",
}


@pytest.fixture
def own(clinics: Clinics, engine: str) -> Live:
    """A server on each engine whose templates only these tests change."""
    return clinics.serve(engine, "templates")


@pytest.fixture
def key(own: Live) -> str:
    """A machine's token for that server."""
    return own.token(own.world.alder)


@pytest.fixture
def holders(own: Live) -> Holders:
    """Whoever signs in at that server."""
    return _Holders(own)


class _Holders(Holders):
    """People whose addresses no other test of the server has."""

    _made = 0

    def person(self, *roles: Role, organization_id: str | None = None) -> str:
        type(self)._made += 1
        self._people = type(self)._made
        return super().person(*roles, organization_id=organization_id)


def ids(live: Live, token: str) -> set[str]:
    """Returns the identifiers of the templates that a token sees."""
    return {one["id"] for one in catalog(live, token)["templates"]}


def update(live: Live, token: str, template_id: str, **values: Any) -> Any:
    """Changes a template; returns the answer."""
    place = {"catalogId": catalog_id(live, token), "templateId": template_id}
    return live.graphql(token, UPDATE_TEMPLATE, place | values)


def delete(live: Live, token: str, template_id: str) -> Any:
    """Takes a template away; returns the answer."""
    return live.graphql(token, DELETE_TEMPLATE, {"catalogId": catalog_id(live, token), "templateId": template_id})


def test_a_template_says_what_it_was_made_with(own: Live, key: str) -> None:
    made = template(own, key, **VALUES)

    shown = next(one for one in catalog(own, key)["templates"] if one["id"] == made["id"])
    assert shown == made
    assert made["id"].startswith("tmp_")
    assert made["treatment"]["id"] == treatment_ids(own, key)[0]
    assert {name: made[name] for name in VALUES} == VALUES
    assert made["isPrivate"] is False


def test_a_template_leaves_open_what_it_was_not_given(own: Live, key: str) -> None:
    made = template(own, key)

    assert {name for name, value in made.items() if value is not None} == {"id", "treatment", "isPrivate"}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"refillsAllowed": 0}, 1),
        ({"refillsAllowed": 3}, 4),
        ({"fillsAllowed": 4, "refillsAllowed": 3}, 4),
        ({"fillsAllowed": 4, "refillsAllowed": None}, 4),
    ],
)
def test_refills_are_the_fills_after_the_first(own: Live, key: str, given: dict[str, Any], kept: int) -> None:
    assert template(own, key, **given)["fillsAllowed"] == kept


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"dispenseQuantity": 0}, "dispenseQuantity"),
        ({"dispenseQuantity": -1}, "dispenseQuantity"),
        ({"dispenseQuantity": 1e9}, "dispenseQuantity"),
        ({"fillsAllowed": 0}, "fillsAllowed"),
        ({"fillsAllowed": 101}, "fillsAllowed"),
        ({"fillsAllowed": 2, "refillsAllowed": 2}, "refillsAllowed"),
        ({"refillsAllowed": -1}, "fillsAllowed"),
        ({"daysSupply": 0}, "daysSupply"),
        ({"daysSupply": 1000}, "daysSupply"),
        ({"name": " "}, "name"),
        ({"dispenseUnit": ""}, "dispenseUnit"),
        ({"instructions": "x" * 1001}, "instructions"),
        ({"notes": "a\x00b"}, "notes"),
        ({"isPrivate": True}, "isPrivate"),
    ],
)
def test_what_no_prescription_says_is_refused(own: Live, key: str, given: dict[str, Any], named: str) -> None:
    before = ids(own, key)
    place = {"catalogId": catalog_id(own, key), "treatmentId": treatment_ids(own, key)[0]}

    error = the_error(own.graphql(key, CREATE_TEMPLATE, place | given))

    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert named in error["message"]
    assert ids(own, key) == before


@pytest.mark.parametrize("absent", ["catalogId", "treatmentId"])
def test_a_template_is_for_something_in_a_catalog_that_exists(own: Live, key: str, absent: str) -> None:
    place = {"catalogId": catalog_id(own, key), "treatmentId": treatment_ids(own, key)[0]}

    assert code(own.graphql(key, CREATE_TEMPLATE, place | {absent: "cat_nothing"})) == "NOT_FOUND"


@pytest.mark.parametrize("name", VALUES)
def test_an_update_changes_what_it_names_and_null_takes_it_away(own: Live, key: str, name: str) -> None:
    made = template(own, key, **VALUES)
    other = {"dispenseAsWritten": False, "dispenseQuantity": 3, "fillsAllowed": 5, "daysSupply": 6}.get(name, "Other")

    changed = update(own, key, made["id"], **{name: other}).json()["data"]["updatePrescriptionTemplate"]
    assert changed == made | {name: other}

    emptied = update(own, key, made["id"], **{name: None}).json()["data"]["updatePrescriptionTemplate"]
    assert emptied == made | {name: None}
    assert emptied in catalog(own, key)["templates"]


def test_an_update_that_is_refused_changes_nothing(own: Live, key: str) -> None:
    made = template(own, key, **VALUES)

    assert code(update(own, key, made["id"], notes="New", fillsAllowed=0)) == "BAD_USER_INPUT"

    assert made in catalog(own, key)["templates"]


def test_a_template_that_is_taken_away_is_shown_once_more_and_is_gone(own: Live, key: str) -> None:
    made = template(own, key, **VALUES)

    assert delete(own, key, made["id"]).json()["data"]["deletePrescriptionTemplate"] == made

    assert made["id"] not in ids(own, key)
    assert code(delete(own, key, made["id"])) == "NOT_FOUND"
    assert code(update(own, key, made["id"], name="Back")) == "NOT_FOUND"


def test_a_private_template_is_its_makers_alone(own: Live, key: str, holders: Holders) -> None:
    ours = holders.tokens(holders.person(Role.MEDICAL_OPERATIONS))["access_token"]
    others = [holders.tokens(holders.person(Role.ADMINISTRATOR))["access_token"], key]

    made = template(own, ours, isPrivate=True, **VALUES)

    assert made["isPrivate"] is True
    assert made["id"] in ids(own, ours)
    for other in others:
        assert made["id"] not in ids(own, other)
        assert code(update(own, other, made["id"], name="Mine")) == "NOT_FOUND"
        assert code(delete(own, other, made["id"])) == "NOT_FOUND"
    assert update(own, ours, made["id"], name="Still mine").json()["data"]["updatePrescriptionTemplate"]["isPrivate"]
    assert "errors" not in delete(own, ours, made["id"]).json()


def test_what_a_person_shares_everybody_in_the_organization_uses(own: Live, key: str, holders: Holders) -> None:
    ours = holders.tokens(holders.person(Role.MEDICAL_OPERATIONS))["access_token"]
    support = holders.tokens(holders.person(Role.SUPPORT))["access_token"]

    made = template(own, ours, isPrivate=False, **VALUES)

    for other in (key, support):
        assert made in catalog(own, other)["templates"]
    assert made["id"] not in ids(own, own.token(own.world.birch))
    assert code(update(own, support, made["id"], name="Mine")) == "FORBIDDEN"
    assert "errors" not in update(own, key, made["id"], name="Ours").json()


def test_a_template_prescribes_nothing(own: Live, key: str) -> None:
    """A machine keeps templates, and none of what it does with them is a prescription."""
    asked = "{ prescriptions(first: 100) { id state } orders(first: 100) { id } patients(first: 100) { id } }"
    before = own.data(key, asked)

    made = template(own, key, **VALUES)
    update(own, key, made["id"], fillsAllowed=99)
    delete(own, key, made["id"])

    assert own.data(key, asked) == before


def test_a_full_catalog_takes_no_more_templates_not_even_from_two_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(templates, "TEMPLATES_LIMIT", 1)
    database = world.open()
    organization_id = world.alder.organization_id
    [mine] = database.read(lambda tx: catalogs.all_of_them(tx, organization_id))
    treatment_id = database.read(lambda tx: tx.connection.exec_driver_sql("SELECT id FROM treatments").scalar())
    left = [Template(f"tmp_{number}", mine.id, None, str(treatment_id)) for number in range(2)]

    _, second = one_after_the_other(world, lambda tx: templates.create(tx, organization_id, left.pop(), NOW * 1000))

    assert str(second.exception()) == "a catalog has at most 1 templates: delete one"
    database.close()


def test_a_template_does_not_print_what_it_says() -> None:
    shown = repr(Template("tmp_1", "cat_1", "usr_1", "med_secret", "Strep", instructions="Twice a day"))

    assert shown == "Template(id='tmp_1', catalog_id='cat_1', owner_id='usr_1')"


def test_one_template_or_treatment_is_found_by_whoever_sees_it(own: Live, key: str, holders: Holders) -> None:
    one = "query($id: ID!) { prescriptionTemplate(id: $id) { id name isPrivate treatment { name } } }"
    mine, other = (str(holders.tokens(holders.person(Role.STAFF))["access_token"]) for _ in range(2))
    private = template(own, mine, name="Mine", isPrivate=True)
    shared = template(own, key, name="Everybody's")
    shown = own.data(mine, one, {"id": private["id"]})["prescriptionTemplate"]
    assert (shown["name"], shown["isPrivate"]) == ("Mine", True)
    assert shown["treatment"]["name"]
    assert own.data(other, one, {"id": private["id"]})["prescriptionTemplate"] is None
    assert own.data(other, one, {"id": shared["id"]})["prescriptionTemplate"]["name"] == "Everybody's"
    assert own.data(own.token(own.world.birch), one, {"id": shared["id"]})["prescriptionTemplate"] is None
    medication = "query($id: ID!) { treatment(id: $id) { id __typename name } }"
    treatment_id = treatment_ids(own, key)[0]
    assert own.data(key, medication, {"id": treatment_id})["treatment"]["__typename"] == "Medication"
    assert own.data(key, medication, {"id": "med_nothing"})["treatment"] is None
