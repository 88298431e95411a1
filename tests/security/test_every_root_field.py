"""Every root field of the schema, for whoever may do everything but that, and with what no input has."""

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import GraphQLInputObjectType

from rxauth.api.schema import required_permissions
from rxauth.policy.permissions import PERMISSIONS
from rxauth.policy.roles import Role
from tests.api.answers import MODERN, Clinics
from tests.api.arguments import Place, document, filled, given, root_field, root_fields
from tests.api.measures import SCHEMA
from tests.live import Live
from tests.token_holders import Holders
from tests.world import Template

GUARDED = [Place(root, name, ("",)) for root, name, field in root_fields() if required_permissions(field)]
INPUTS = [kind for kind in SCHEMA.type_map.values() if isinstance(kind, GraphQLInputObjectType)]
# What somebody would like to set together with what may be set.
HIDDEN = ("organizationId", "org_id", "permissions", "roles", "prescriberId", "state", "verifiedAt", "isAuthorized")
FORMS = ("{ FIELD }", "{ a: FIELD }", "{ ... on ROOT { FIELD } }", "{ ...A } fragment A on ROOT { FIELD }")


@pytest.fixture(scope="module")
def live(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server that executes none of what these tests send."""
    clinics = Clinics(templates, tmp_path_factory)
    yield clinics.serve("sqlite")
    clinics.stop()


@pytest.fixture(scope="module")
def tokens(live: Live) -> dict[tuple[str, ...], str]:
    """The token of somebody with every role who named every permission but some, for each field that asks for those."""
    holders = Holders(live)
    session, _ = holders.session(holders.provider(roles=tuple(Role)), ("pwd", "otp"))
    made = {}
    for lacking in {required_permissions(root_field(place)) or () for place in GUARDED}:
        scope = " ".join(one.name for one in PERMISSIONS if one.name not in lacking)
        made[lacking] = str(holders.redeemed(holders.code(session, scope=f"openid {scope}"))["access_token"])
    return made


@pytest.mark.parametrize("place", GUARDED, ids=lambda place: place.field)
def test_a_token_that_lacks_just_its_permissions_is_refused_in_every_form(
    live: Live, tokens: dict[tuple[str, ...], str], place: Place
) -> None:
    field = root_field(place)
    lacking = required_permissions(field) or ()
    variables = given(field.args, place, "")
    plain = document(place, variables)
    head, _, rest = plain.partition(" {")
    asked = rest.removesuffix("}")
    for form in FORMS:
        text = f"{head} {form.replace('FIELD', asked).replace('ROOT', place.root)}"
        answer = live.graphql(tokens[lacking], text, variables).json()
        [error] = answer["errors"]
        assert error["extensions"]["code"] == "FORBIDDEN", (text, error)
        assert error["extensions"]["requiredPermission"] in lacking
        assert not any((answer["data"] or {}).values())


@pytest.mark.parametrize("kind", INPUTS, ids=lambda kind: kind.name)
def test_an_input_takes_nothing_that_the_schema_does_not_name(live: Live, kind: GraphQLInputObjectType) -> None:
    """M-12."""
    token = live.token(live.world.alder)
    good: dict[str, Any] = filled(kind, (), "sample")
    for name in HIDDEN:
        if name not in kind.fields:
            answer = live.graphql(
                token, f"query($given: {kind.name}) {{ __typename }}", {"given": good | {name: "a"}}, accept=MODERN
            )
            assert answer.status_code == 422
            assert "data" not in answer.json()


def test_the_fields_and_inputs_are_those_of_the_whole_schema() -> None:
    assert {"createOrder", "webhooks", "prescriptionScreen", "accessLog"} <= {place.field for place in GUARDED}
    assert {"FillInput", "DraftedPrescriptionInput", "ProviderFactsInput"} <= {kind.name for kind in INPUTS}
