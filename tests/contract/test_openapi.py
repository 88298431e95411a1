"""The OpenAPI description has every endpoint of machines and no other, with every error that docs/errors.md lists."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.routing import Route

from rxauth.api.errors import Code
from rxauth.edge import branding, openapi, pages, scim
from rxauth.edge.openapi.browsers import TO_CLIENTS
from rxauth.edge.page_errors import page_answer
from rxauth.edge.routes import table
from rxauth.oauth.errors import ERRORS
from tests.contract.test_docs import DOCS
from tests.contract.test_docs import table as rows
from tests.live import Live
from tests.world import ISSUER

DOCUMENT = openapi.document(ISSUER)
# Where clients send browsers: part of the protocols, though what goes wrong there is a page.
FOR_BROWSERS = {"/authorize", "/v2/logout", "/oidc/logout"}
FILES_OF_PAGES = {branding.ACCENT, branding.LOGO, pages.STATIC_PATH}
METHODS = {"get", "head", "post", "options"}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Lists what is described: path, method, operation."""
    for path, described in DOCUMENT["paths"].items():
        for method, operation in described.items():
            yield path, method, operation


def is_for_machines(route: Route) -> bool:
    """Tells whether an endpoint is one of machines: its errors are no pages, and it is no file that pages use."""
    endpoint: Any = route.endpoint
    if route.path.startswith(scim.PATH):
        return False  # it describes itself (RFC 7644 §4)
    if route.path.startswith("/sso/"):
        return False  # identity providers use it, whose standards describe it
    return route.path in FOR_BROWSERS or (endpoint.on_error is not page_answer and route.path not in FILES_OF_PAGES)


def answered(route: Route) -> set[str]:
    """Returns the methods that an endpoint takes."""
    endpoint: Any = route.endpoint
    return {one.lower() for one in endpoint.methods} | ({"options"} if endpoint.is_shared else set())


def test_every_endpoint_of_machines_is_described_with_its_methods_and_nothing_else_is(sqlite_live: Live) -> None:
    served = {route.path: answered(route) for route in table(sqlite_live.edge) if is_for_machines(route)}
    described = {path: set(one) for path, one in DOCUMENT["paths"].items()}
    assert described == served


def codes_of(part: Any) -> Iterator[str]:
    """Lists the codes that `error` can have somewhere in a schema."""
    if isinstance(part, dict):
        if "error" in part.get("properties", {}):
            yield from part["properties"]["error"]["enum"]
        for one in part.values():
            yield from codes_of(one)
    elif isinstance(part, list):
        for one in part:
            yield from codes_of(one)


def test_every_oauth_error_that_is_documented_is_described_with_its_status_and_no_other_is() -> None:
    described = set()
    for _, _, operation in operations():
        for status, answer in operation["responses"].items():
            codes = {*codes_of(answer.get("content", {})), *answer.get("x-error-codes", ())}
            described |= {(code, status) for code in codes}
    described |= {(one.code, str(one.status)) for one in TO_CLIENTS}
    documented = {(code.strip("`"), status) for code, status, _, _ in rows(DOCS / "errors.md", "OAuth errors")}
    otherwise = {("invalid_request", status) for status, _, _ in rows(DOCS / "errors.md", "Statuses beside these")}
    network = {("invalid_signature", "401"), ("unknown_dispatch", "404"), ("not_found", "404"), ("not_allowed", "409")}

    assert documented == {(error.code, str(error.status)) for error in ERRORS}
    # invalid_request with 401: userinfo, which was sent no token.
    assert described == documented | otherwise | network | {("invalid_request", "401")}


def test_every_code_of_the_api_is_described_with_a_status() -> None:
    answers = DOCUMENT["paths"]["/graphql"]["post"]["responses"]
    described = {
        code
        for status, answer in answers.items()
        if status != "200"
        for content in answer["content"].values()
        for code in content["schema"]["properties"]["errors"]["items"]["properties"]["extensions"]["properties"][
            "code"
        ]["enum"]
    }
    only_beside_data = {Code.NOT_FOUND, Code.CONFLICT, Code.PATIENT_STATE_UNKNOWN, Code.CONTROLLED_SUBSTANCE}
    assert described == set(Code) - only_beside_data


def test_operations_have_names_of_their_own_and_say_what_they_do() -> None:
    listed = [operation for _, _, operation in operations()]
    names = [operation["operationId"] for operation in listed]
    assert len(names) == len(set(names))
    assert all(operation["summary"] and operation["tags"] for operation in listed)
    assert {method for _, method, _ in operations()} == METHODS


def test_nothing_is_referred_to_that_is_not_there() -> None:
    def references(part: Any) -> Iterator[str]:
        if isinstance(part, dict):
            if isinstance(part.get("$ref"), str):
                yield part["$ref"]
            for one in part.values():
                yield from references(one)
        elif isinstance(part, list):
            for one in part:
                yield from references(one)

    for reference in set(references(DOCUMENT)):
        found: Any = DOCUMENT
        for name in reference.removeprefix("#/").split("/"):
            assert name in found, reference
            found = found[name]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_anybody_may_read_and_keep_the_description(sqlite_live: Live, method: str) -> None:
    answer = sqlite_live.http.request(method, openapi.PATH, headers={"origin": "https://anywhere.example"})

    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert answer.headers["content-type"] == "application/json"
    if method == "GET":
        assert answer.json() == DOCUMENT
        assert answer.json()["servers"] == [{"url": ISSUER.rstrip("/")}]
