"""Documents made of the schema itself, with whatever arguments it allows: none of them is an accident.

A search of its own for each root field, with every kind of token. Identifiers are often those of something that is
there, of whatever kind; a part of the documents has one thing that the schema does not allow.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import ValueNode, get_named_type, is_required_argument, is_specified_scalar_type
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import Mode, mutations, nodes, queries

from rxauth.api.errors import ERRORS_LIMIT, Code
from rxauth.api.limits import PAGE_LIMIT
from rxauth.domain import machine_clients
from rxauth.domain.clients import Client, load
from rxauth.domain.webhooks import Keeper
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from tests.api.answers import MODERN, Clinics
from tests.api.measures import PAGED, SCHEMA
from tests.prescribing import Practice
from tests.token_holders import Holders
from tests.webhook_receiver import LOOPBACK
from tests.world import Template

pytestmark = pytest.mark.proof
assert SCHEMA.query_type is not None
assert SCHEMA.mutation_type is not None
FIELDS = [*SCHEMA.query_type.fields, *SCHEMA.mutation_type.fields]
WHO = ("machine", "administrator", "prescriber")
TRIES, ALL_TRIES = 3, 180  # half a minute, and ten minutes, for one process
STATUSES = {200, 400, 401, 403, 422}  # 401: somebody has to sign in again
# What a document can be answered, after its token was accepted and while the database is there.
CODES = set(Code) - {Code.INTERNAL, Code.UNAVAILABLE, Code.INVALID_TOKEN, Code.EMPTY_AUTHORIZATION_HEADER}
KNOWN = """{
  patients { id externalId allergies { allergen { id } } }
  prescriptions { id prescriber { id } }
  orders { id fills { id } }
  pharmacies { id }
  medications { id }
  medicalEquipment { id }
  medicationConcepts(name: "a") { id }
  catalogs { id }
}"""


@pytest.fixture(scope="module")
def practices(
    templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Practice]]:
    """A provider at work on each engine, on servers that nobody else uses."""
    clinics = Clinics(templates, tmp_path_factory)
    yield {engine: Practice(clinics.serve(engine)) for engine in ("sqlite", "postgresql")}
    clinics.stop()


@pytest.fixture
def practice(practices: dict[str, Practice], engine: str) -> Iterator[Practice]:
    """The one of an engine, whose machine gets back what the documents of a field took from it."""
    practice = practices[engine]
    machine_id, now = practice.live.world.alder.client_id, practice.live.clock.seconds()

    def machine(transaction: Transaction) -> Client:
        found = load(transaction, machine_id)
        assert found is not None
        return found

    permitted = practice.live.server.database.read(machine).subject.permissions
    yield practice
    practice.holders.write(lambda tx: machine_clients.set_permissions(tx, machine(tx), permitted, now))


def proven(holders: Holders, user_id: str) -> str:
    """Returns the token of somebody who proved two factors a moment ago."""
    session, _ = holders.session(user_id, ("pwd", "otp"))
    return str(holders.redeemed(holders.code(session))["access_token"])


def identifiers(found: Any) -> Iterator[str]:
    """Lists every text in an answer."""
    if isinstance(found, str):
        yield found
    elif isinstance(found, dict | list):
        for one in found.values() if isinstance(found, dict) else found:
            yield from identifiers(one)


def values(known: list[str]) -> dict[str, st.SearchStrategy[ValueNode]]:
    """Returns what scalars are made of: mostly what they stand for."""
    texts = st.text(st.characters(codec="utf-8"), max_size=30)
    digits = st.text("0123456789", min_size=7, max_size=12)
    moments = st.datetimes().map(lambda at: f"{at.isoformat(timespec='milliseconds')}Z")
    made = {
        "ID": st.sampled_from(known) | st.sampled_from(known) | texts,
        "AWSDate": st.dates().map(str) | texts,
        "AWSDateTime": moments | texts,
        "AWSEmail": st.emails() | texts,
        "AWSPhone": digits.map(lambda number: f"+1{number}") | texts,
    }
    return {name: strategy.map(nodes.String) for name, strategy in made.items()}


def of_field(name: str, scalars: dict[str, st.SearchStrategy[ValueNode]]) -> st.SearchStrategy[Any]:
    """Returns the documents that ask for one root field."""
    assert SCHEMA.query_type is not None
    assert SCHEMA.mutation_type is not None
    is_query = name in SCHEMA.query_type.fields
    root, operations = (SCHEMA.query_type, queries) if is_query else (SCHEMA.mutation_type, mutations)
    allowed = operations(SCHEMA, fields=[name], custom_scalars=scalars)
    breakable = [
        one
        for one in root.fields[name].args.values()
        if is_required_argument(one) or is_specified_scalar_type(get_named_type(one.type))
    ]
    if not breakable:
        return allowed
    return st.one_of(
        allowed, allowed, allowed, operations(SCHEMA, fields=[name], custom_scalars=scalars, mode=Mode.NEGATIVE)
    )


def pages(data: Any, name: str = "") -> Iterator[int]:
    """Lists the lengths of the pages in an answer."""
    if isinstance(data, dict):
        for inner, value in data.items():
            yield from pages(value, inner)
    elif isinstance(data, list):
        if name in PAGED:
            yield len(data)
        for value in data:
            yield from pages(value)


@pytest.mark.parametrize("field", FIELDS)
def test_no_document_of_the_schema_is_an_accident(practice: Practice, field: str, is_whole: bool) -> None:
    live, holders = practice.live, practice.holders
    live.edge.api.keeper = Keeper(live.server.sealing_key, LOOPBACK)
    people = [holders.person(Role.ADMINISTRATOR), holders.provider(), holders.person(Role.PRESCRIBER)]
    machine = live.token(live.world.alder)
    tokens = dict(zip(WHO, (machine, *(proven(holders, person) for person in people[:2])), strict=True))
    written = [practice.written(tokens["prescriber"])["id"] for _ in range(2)]
    known = sorted({*identifiers(live.data(machine, KNOWN)), *people, *written})
    documents = of_field(field, values(known))

    @settings(
        max_examples=ALL_TRIES if is_whole else TRIES,
        derandomize=not is_whole,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(WHO), documents)
    def search(who: str, document: str) -> None:
        answer = live.graphql(tokens[who], document, accept=MODERN)
        content = answer.json()
        assert answer.status_code in STATUSES, (who, document, answer.text)
        errors = content.get("errors", [])
        assert len(errors) <= ERRORS_LIMIT
        for error in errors:
            assert error["extensions"]["code"] in CODES, (who, document, error)
            assert 0 < len(error["message"]) < 1_000, (who, document, error)
        assert errors or content["data"], (who, document)
        assert max(pages(content.get("data")), default=0) <= PAGE_LIMIT

    search()
    assert live.data(live.token(live.world.birch), "{ patients(first: 1) { id } }")["patients"]


def test_the_fields_are_those_of_the_whole_schema() -> None:
    assert {"patients", "createOrder", "webhooks", "createWebhookConfig", "prescriptionScreen"} < set(FIELDS)
    assert len(FIELDS) == len(set(FIELDS)) > 60
