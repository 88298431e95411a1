"""Decision 24: whatever mutation is tried by whoever is no authorized provider, nothing comes of it to be dispensed."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    print_type,
)
from sqlalchemy import bindparam, select, update

from rxauth.domain import changes, prescriptions
from rxauth.domain.prescriptions import Prescription
from rxauth.policy.licences import Licence, LicenceStatus
from rxauth.policy.permissions import MACHINE_DEFAULT, PERMISSIONS, Machine
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from rxauth.storage.tables.access import client_permissions
from rxauth.storage.tables.clinical import fills
from rxauth.storage.tables.clinical import prescriptions as table
from rxauth.storage.tenancy import insert_row, sql
from tests.conftest import make_world
from tests.live import Live, decode
from tests.prescribing import Practice, suspend
from tests.world import NOW, StandingClock, Template

ALL = [permission.name for permission in PERMISSIONS]
GRANTABLE = [one.name for one in PERMISSIONS if one.machine is Machine.GRANTABLE]
_GIVE = insert_row(client_permissions)
_PRESCRIPTIONS = sql(select(*table.c).where(table.c.organization_id == bindparam("organization_id")))
_FILLS = sql(select(*fills.c).where(fills.c.organization_id == bindparam("organization_id")))
_DRAFT = sql(
    update(table)
    .where(table.c.organization_id == bindparam("owner"), table.c.id == bindparam("the_id"))
    .values(state="DRAFT")
)

# Arguments by name; what is not here and need not be given is left out.
WORDS: dict[str, Any] = {
    "dispenseUnit": "Tablet",
    "dispenseQuantity": 30,
    "instructions": "Take one tablet by mouth daily",
    "dateOfBirth": "1990-01-01",
    "phone": "+12025550170",
    "email": "somebody@example.com",
    "url": "https://hooks.example.com/rx",
    "country": "US",
    "state": "NY",
    "postalCode": "11201",
    "npi": "1234567893",
    "number": "123456",
    "fillsAllowed": 12,
    "isPrivate": False,
    "roles": ["Prescriber"],
    "solo": True,
}


@dataclass(frozen=True)
class Attempt:
    """Who tries, and with which token."""

    name: str
    token: str
    user_id: str


class Arguments:
    """Makes plausible arguments of whatever the schema asks for."""

    def __init__(self, schema: GraphQLSchema, words: dict[str, Any]) -> None:
        self.schema = schema
        self._words = words

    def of(self, mutation: str, **changes: Any) -> dict[str, Any]:
        """Returns the variables of a mutation."""
        assert self.schema.mutation_type is not None
        arguments = self.schema.mutation_type.fields[mutation].args
        found = {name: self._value(name, argument.type, changes) for name, argument in arguments.items()}
        return {name: value for name, value in found.items() if value is not None}

    def _value(self, name: str, kind: Any, changes: dict[str, Any]) -> Any:
        words = self._words | changes
        required = isinstance(kind, GraphQLNonNull)
        if required:
            kind = kind.of_type
        if name in words and not isinstance(kind, GraphQLInputObjectType):
            return words[name]
        if isinstance(kind, GraphQLList):
            return (
                [self._value(name, GraphQLNonNull(getattr(kind.of_type, "of_type", kind.of_type)), changes)]
                if required
                else None
            )
        if not required:
            return None
        if isinstance(kind, GraphQLInputObjectType):
            members = {one: self._value(one, member.type, changes) for one, member in kind.fields.items()}
            return {one: value for one, value in members.items() if value is not None}
        if isinstance(kind, GraphQLEnumType):
            return next(iter(kind.values))
        return {"Int": 1, "Float": 1.0, "Boolean": True, "AWSDate": "2027-01-01"}.get(kind.name, "Something")


def document(schema: GraphQLSchema, mutation: str) -> str:
    """Writes the operation that runs a mutation with all its arguments as variables."""
    assert schema.mutation_type is not None
    field = schema.mutation_type.fields[mutation]
    declared = ", ".join(f"${name}: {argument.type}" for name, argument in field.args.items())
    passed = ", ".join(f"{name}: ${name}" for name in field.args)
    shown = "{ __typename }" if "{" in print_type_of(schema, field.type) else ""
    return f"mutation({declared}) {{ {mutation}({passed}) {shown} }}"


def print_type_of(schema: GraphQLSchema, kind: Any) -> str:
    """Returns the definition of a field's type: with braces if something of it must be selected."""
    while hasattr(kind, "of_type"):
        kind = kind.of_type
    return "" if isinstance(kind, GraphQLEnumType) else print_type(kind)


@pytest.fixture(scope="module")
def practice(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Practice]:
    """A clinic on SQLite: what may be done is the same on each engine."""
    live = Live(make_world("sqlite", templates, tmp_path_factory), StandingClock())
    yield Practice(live)
    live.stop()


def draft_prescription(practice: Practice) -> str:
    """Keeps a prescription that nobody signed; returns its identifier."""
    written = practice.written()["id"]
    database = practice.live.server.database
    found = database.read(lambda tx: prescriptions.by_ids(tx, practice.organization_id, [written]))[written]
    values = {name: getattr(found, name) for name in Prescription.__slots__} | {"id": "rx_draft", "state": "DRAFT"}
    database.write(lambda tx: tx.run(prescriptions.INSERT, organization_id=practice.organization_id, **values))
    return "rx_draft"


def draft_again(practice: Practice, draft_id: str) -> None:
    """Puts back the draft that somebody may have canceled."""
    values = {"owner": practice.organization_id, "the_id": draft_id}
    assert practice.live.server.database.write(lambda tx: tx.run(_DRAFT, **values)) == 1


def everything(practice: Practice) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns every prescription and every fill of the clinic, whole."""

    def work(tx: Transaction) -> tuple[dict[str, Any], dict[str, Any]]:
        rows = [tx.all(one, organization_id=practice.organization_id) for one in (_PRESCRIPTIONS, _FILLS)]
        return {row.id: tuple(row) for row in rows[0]}, {row.id: tuple(row) for row in rows[1]}

    return practice.live.server.database.read(work)


def active(rows: dict[str, Any]) -> dict[str, Any]:
    """Returns those that are active, as far as anybody could dispense them."""
    state = list(table.c).index(table.c.state)
    return {identifier: row for identifier, row in rows.items() if row[state] == "ACTIVE"}


def machines(practice: Practice) -> Iterator[Attempt]:
    """The clinic's backend with all that it can be given; and with a token that says it has everything."""
    live, tenant = practice.live, practice.live.world.alder

    def work(tx: Transaction) -> None:
        owner = {"organization_id": tenant.organization_id, "client_id": tenant.client_id}
        tx.run_many(_GIVE, [{**owner, "permission": name} for name in GRANTABLE])
        changes.record(tx, changes.ChangeKind.CLIENT, tenant.client_id, NOW)

    live.server.database.write(work)
    token = live.token(tenant, scope=" ".join([*MACHINE_DEFAULT, *GRANTABLE]))
    yield Attempt("a machine that was given everything", token, practice.provider_id)
    forged = live.sign(live.claims(tenant, scope=" ".join(ALL), permissions=ALL))
    yield Attempt("a machine whose token says everything", forged, practice.provider_id)


def people(practice: Practice) -> Iterator[Attempt]:
    """Everybody in the clinic who may not prescribe, each with a token that says that they may do everything."""
    holders, live = practice.holders, practice.live

    def attempt(name: str, user_id: str) -> Attempt:
        claims = decode(practice.token_of(user_id))[1] | {"permissions": ALL, "scope": f"openid {' '.join(ALL)}"}
        return Attempt(name, live.sign(claims), user_id)

    for role in Role:
        yield attempt(f"the role {role}", holders.person(role))
    yield attempt("every role", holders.person(*Role))
    suspended, revoked = (holders.provider(roles=tuple(Role)) for _ in range(2))
    live.server.database.write(lambda tx: suspend(tx, practice, suspended))
    yield attempt("a suspended provider", suspended)
    live.server.database.write(lambda tx: practice.revoke(tx, revoked))
    yield attempt("a revoked provider", revoked)
    lapsed = holders.provider(Licence("NY", "1", LicenceStatus.ACTIVE, datetime.date(2026, 11, 1)), roles=tuple(Role))
    yield attempt("a provider whose licence lapsed", lapsed)
    elsewhere = holders.provider(Licence("CA", "1", LicenceStatus.ACTIVE, datetime.date(2030, 1, 1)), roles=tuple(Role))
    yield attempt("a provider who is licensed elsewhere", elsewhere)


# What ends the caller's own standing: tried last, because nothing is done after it.
LEAVING = ("endMemberSessions", "removeMember")


def test_no_mutation_gives_anybody_but_an_authorized_provider_something_to_dispense(practice: Practice) -> None:
    live = practice.live
    schema = live.edge.api.schema
    assert schema.mutation_type is not None
    draft_id = draft_prescription(practice)
    reader = live.token(live.world.alder)
    known = live.data(reader, "{ catalogs { id } pharmacies(first: 1) { id } allergens { id } }")
    words = WORDS | {
        "patientId": practice.patients["NY"],
        "treatmentId": practice.treatment,
        "prescriptionId": draft_id,
        "catalogId": known["catalogs"][0]["id"],
        "pharmacyId": known["pharmacies"][0]["id"],
        "allergenId": known["allergens"][0]["id"],
        "effectiveDate": "2026-11-23",
    }
    arguments = Arguments(schema, words)
    control = {
        name: live.graphql(practice.token, document(schema, name), arguments.of(name)).json()
        for name in ("createPrescription", "createPrescriptions")
    }
    assert [one for one in control.values() if "errors" in one] == []  # the arguments are good, in the right hands
    before, fills_before = everything(practice)

    done = set()
    for attempt in (*machines(practice), *people(practice)):
        draft_again(practice, draft_id)
        for name in sorted(schema.mutation_type.fields, key=lambda name: name in LEAVING):
            for identifier in (draft_id, practice.patients["NY"]):
                variables = arguments.of(name, id=identifier, userId=attempt.user_id)
                answer = live.graphql(attempt.token, document(schema, name), variables)
                has_left = name in LEAVING and answer.status_code == 401
                assert has_left or answer.status_code == 200, (attempt.name, name, answer.text)
                if "errors" not in answer.json():
                    done.add(name)
                if "id" not in variables:
                    break
        after, fills_after = everything(practice)
        enlarged = {one: row for one, row in active(after).items() if before.get(one) != row}
        assert enlarged == {}, attempt.name
        assert fills_after == fills_before, attempt.name
    assert {"createPatient", "cancelPrescription", "createPrescriptionTemplate"} <= done  # they were let in, and tried
    assert not done & {"createPrescription", "createPrescriptions"}
