"""Requests made of the OpenAPI description, good ones and broken ones: every answer is one that it allows, and no 5xx.

A search of its own for each operation. Part of the requests have credentials, tokens, URLs or signatures that are good.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.generation.feedback import NO_FEEDBACK
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from rxauth.edge import openapi
from rxauth.edge.guards import FailureLimiter
from rxauth.edge.http_pharmacy_network import HttpPharmacyNetwork
from tests.api.answers import MODERN, Clinics
from tests.live import Live, basic, credentials
from tests.pharmacy_network import SECRET, signed
from tests.token_holders import CALLBACK, Holders
from tests.world import ISSUER, Template

pytestmark = pytest.mark.proof
DESCRIPTION = schemathesis.openapi.from_dict(openapi.document(ISSUER))
_FOUND: Final[list[Any]] = [found.ok() for found in DESCRIPTION.get_all_operations()]  # type: ignore[union-attr]
OPERATIONS: Final = {f"{one.method.upper()} {one.path}": one for one in _FOUND}
CHECKS: Final[list[Any]] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
TRIES, ALL_TRIES = 8, 150
# Written by what carries the answer, and not by an endpoint.
OF_TRANSPORT: Final = {"content-length", "content-type", "date", "connection"}
Known = Mapping[str, str | None]


class Signed(requests.auth.AuthBase):
    """Signs what is sent as the pharmacy network does."""

    def __init__(self, at: int) -> None:
        self._at = at

    def __call__(self, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        """Adds the headers."""
        body: Any = prepared.body or b""
        prepared.headers.update(signed(body.encode() if isinstance(body, str) else body, self._at))
        return prepared


class Stage:
    """A server, and everything good that a request can have."""

    def __init__(self, live: Live) -> None:
        self.live = live
        live.edge.limiter = FailureLimiter(10**9)
        live.edge.pharmacy_network = HttpPharmacyNetwork("http://localhost:1/", SECRET)
        self.keep_time()
        self.session = requests.Session()
        self.signing = Signed(live.clock.seconds())
        holders = Holders(live)
        session, handle = holders.session(holders.provider())
        code = holders.code(session)
        machine, self.person = credentials(live.world.alder), holders.redeemed(holders.code(session))
        client_id, secret = machine["client_id"], machine["client_secret"]
        self.tokens = [f"Bearer {live.token(live.world.alder)}", f"Bearer {self.person['access_token']}"]
        self.basic = basic(client_id, secret)
        self.cookie = f"__Host-rxauth={handle}"
        by_secret: Known = {"client_id": client_id, "client_secret": secret}
        asking: Known = {
            "client_id": holders.spa.client_id,
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "code_challenge": code.challenge,
            "code_challenge_method": "S256",
        }
        tokens = [self.person["access_token"], self.person["refresh_token"], self.tokens[0].removeprefix("Bearer ")]
        shown: list[Known] = [{**by_secret, "token": one} for one in tokens]
        self.known: dict[str, list[Known]] = {
            "/oauth/token": [
                {**machine, "scope": None, "resource": None},
                {**by_secret, "grant_type": "client_credentials"},
                {**code.request()},
                {**holders.spa.credentials, "client_secret": None, "grant_type": "refresh_token"},
                {**holders.spa.credentials, "client_secret": None, "grant_type": "authorization_code"},
            ],
            "/oauth/revoke": [*shown, {**holders.spa.credentials, "client_secret": None, "token": tokens[0]}],
            "/oauth/introspect": shown,
            "/authorize": [asking, {**asking, "scope": "openid", "prompt": None}, {**asking, "prompt": "none"}],
            "/v2/logout": [{"client_id": holders.spa.client_id, "returnTo": "http://localhost:3000/bye"}],
            "/oidc/logout": [{"id_token_hint": self.person["id_token"], "client_id": None}],
            "/graphql": [{"query": "{ patients { id } }"}, {"query": "{ patients { id } me { id } }"}, {"query": "{"}],
        }

    def keep_time(self) -> None:
        """Puts the server's clock where the database's is."""
        self.live.clock.advance(max(0, int(time.time()) - self.live.clock.seconds()))


@pytest.fixture(scope="module")
def stages(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Stage]]:
    """A stage on each engine, which nobody else uses."""
    clinics = Clinics(templates, tmp_path_factory)
    made = {engine: Stage(clinics.serve(engine)) for engine in ("sqlite", "postgresql")}
    yield made
    for one in made.values():
        one.session.close()
    clinics.stop()


def with_what_is_known(part: Any, known: Known) -> Any:
    """Puts good values into a request's parameters; None takes one out."""
    if not isinstance(part, dict):
        return part
    return {name: value for name, value in {**part, **known}.items() if value is not None or name not in known}


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_answer_is_one_that_the_description_allows(
    stages: dict[str, Stage], engine: str, name: str, is_whole: bool
) -> None:
    stage, operation = stages[engine], OPERATIONS[name]
    good = operation.as_strategy(GenerationMode.POSITIVE, feedback=NO_FEEDBACK)
    # Where nothing is asked, nothing can be asked wrongly.
    has_input = bool(operation.body or operation.query or operation.headers)
    cases = good | operation.as_strategy(GenerationMode.NEGATIVE, feedback=NO_FEEDBACK) if has_input else good
    authorizations = st.sampled_from([None, stage.basic, *stage.tokens])
    described = {status: {one.lower() for one in names} for status, names in headers_of(name).items()}

    @settings(
        max_examples=ALL_TRIES if is_whole else TRIES,
        derandomize=not is_whole,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases, st.sampled_from([{}, *stage.known.get(operation.path, [])]), authorizations, st.booleans())
    def search(case: Any, known: Known, authorization: str | None, is_odd: bool) -> None:
        stage.keep_time()
        if operation.body:
            case.body = with_what_is_known(case.body, known)
        elif known:
            case.query = with_what_is_known(case.query, known)
        more = {} if authorization is None else {"authorization": authorization}
        more |= {"accept": MODERN, "cookie": stage.cookie} if is_odd else {}
        signing = stage.signing if is_odd and "reports" in name else None
        answer = case.call(base_url=stage.live.url, session=stage.session, headers=more, auth=signing)
        case.validate_response(answer, checks=CHECKS)
        sent = {one.lower() for one in answer.headers} - OF_TRANSPORT
        assert sent <= described[str(answer.status_code)], (name, answer.status_code)

    search()


def headers_of(name: str) -> dict[str, set[str]]:
    """Returns which headers are described for each status of an operation."""
    method, path = name.lower().split(" ", 1)
    answers = openapi.document(ISSUER)["paths"][path][method]["responses"]
    return {status: set(one["headers"]) for status, one in answers.items()}


def test_the_requests_are_those_of_the_whole_description() -> None:
    assert {"POST /oauth/token", "GET /authorize", "POST /graphql", "GET /openapi.json"} < set(OPERATIONS)
    assert len(OPERATIONS) > 20
