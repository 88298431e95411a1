"""Attacks on client authentication: wrong proofs, two proofs, loose encodings, and answers that tell too much."""

import base64
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import event

from rxauth.crypto.secrets import new_secret
from rxauth.domain import clients, organizations
from rxauth.edge.guards import FailureLimiter
from rxauth.ids import new_client_id
from rxauth.storage.database import Transaction
from tests.conftest import make_world
from tests.live import Live, basic, credentials
from tests.world import NOW, StandingClock, Template, Tenant, add_tenant

JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared(
    request: pytest.FixtureRequest, templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Live]:
    """One server on each engine for the whole module, which does not mind how often somebody fails."""
    world = make_world(request.param, templates, tmp_path_factory)
    running = Live(world, StandingClock(), limiter=FailureLimiter(1_000_000))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def failing(shared: Live) -> dict[str, Tenant]:
    """Credentials that fail, each for another reason."""

    def work(transaction: Transaction) -> dict[str, Tenant]:
        names = ["disabled client", "disabled organization", "expired secret", "revoked secret"]
        made = {name: add_tenant(transaction, name) for name in names}
        clients.disable(transaction, made["disabled client"].client_id, NOW)
        organizations.disable(transaction, made["disabled organization"].organization_id, NOW)
        clients.rotate_secret(transaction, made["expired secret"].client_id, 0, NOW)
        revoked = made["revoked secret"]
        clients.revoke_secret(transaction, revoked.client_id, revoked.secret_id, NOW)
        return made

    made = shared.server.database.write(work)
    return {
        **made,
        "wrong secret": replace(shared.world.alder, secret=new_secret()),
        "another's secret": replace(shared.world.alder, secret=shared.world.birch.secret),
        "another's client_id": replace(shared.world.alder, client_id=shared.world.birch.client_id),
        "unknown client": replace(shared.world.alder, client_id=new_client_id()),
        "no such shape of client": replace(shared.world.alder, client_id="nobody"),
        "client_id with a NUL": replace(shared.world.alder, client_id=f"{shared.world.alder.client_id}\x00"),
        "client_id in other digits": replace(shared.world.alder, client_id="\u0661" * 32),
        "client_id of half a surrogate pair": replace(shared.world.alder, client_id="\ud800"),
        "very long client_id": replace(shared.world.alder, client_id="a" * 8_192),
    }


REASONS = [
    "disabled client",
    "disabled organization",
    "expired secret",
    "revoked secret",
    "wrong secret",
    "another's secret",
    "another's client_id",
    "unknown client",
]
IMPOSSIBLE = [
    "no such shape of client",
    "client_id with a NUL",
    "client_id in other digits",
    "client_id of half a surrogate pair",
    "very long client_id",
]


def exchanged(live: Live, tenant: Tenant) -> httpx.Response:
    """Posts an exchange as JSON that has every other character as an escape."""
    return live.http.post("/oauth/token", content=json.dumps(credentials(tenant)), headers=JSON)


def by_basic(live: Live, header: str, **parameters: str) -> httpx.Response:
    """Posts an exchange with an Authorization header."""
    body = {"grant_type": "client_credentials"} | parameters
    return live.http.post("/oauth/token", data=body, headers={"authorization": header})


def encoded(raw: bytes | str) -> str:
    """Returns a Basic header value of any bytes."""
    return "Basic " + base64.b64encode(raw.encode() if isinstance(raw, str) else raw).decode()


def assert_not_proven(answer: httpx.Response) -> None:
    """Checks the refusal of RFC 6749 §5.2."""
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client"), answer.text
    assert answer.headers["www-authenticate"] == 'Basic realm="rxauth"'
    assert answer.headers["cache-control"] == "no-store"


@contextmanager
def statements(live: Live) -> Iterator[list[str]]:
    """Collects what the server asks its database while it answers; the change feed's own reading is left out."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if threading.current_thread().name.startswith("worker"):
            seen.append(re.sub(r"(SET LOCAL rxauth.organization = )'\w*'", r"\1'whose it is'", statement))

    readers = live.server.database.engines.reader
    event.listen(readers, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(readers, "before_cursor_execute", note)


@pytest.mark.parametrize("reason", REASONS + IMPOSSIBLE)
def test_every_failure_has_the_same_answer_to_the_byte(shared: Live, failing: dict[str, Tenant], reason: str) -> None:
    """RFC 6749 §5.2: which clients exist, and what is wrong with them, is not told."""
    unknown = exchanged(shared, failing["unknown client"])

    answer = exchanged(shared, failing[reason])

    assert_not_proven(answer)
    assert answer.content == unknown.content
    assert [name for name, _ in answer.headers.items()] == [name for name, _ in unknown.headers.items()]


@pytest.mark.parametrize("reason", [reason for reason in REASONS + IMPOSSIBLE if "surrogate" not in reason])
def test_every_failure_in_a_basic_header_has_the_same_answer_to_the_byte(
    shared: Live, failing: dict[str, Tenant], reason: str
) -> None:
    tenant = failing[reason]

    answer = by_basic(shared, basic(quote(tenant.client_id, safe=""), tenant.secret))

    assert_not_proven(answer)
    assert answer.content == exchanged(shared, failing["unknown client"]).content


@pytest.mark.parametrize("remembered", [False, True], ids=["not remembered", "remembered"])
@pytest.mark.parametrize("reason", REASONS)
def test_every_failure_costs_the_same_work_whether_or_not_the_client_is_remembered(
    shared: Live, failing: dict[str, Tenant], reason: str, remembered: bool
) -> None:
    """Equal work leaves nothing to time."""
    tenant = failing[reason]
    works = shared.world.alder
    with statements(shared) as for_a_wrong_secret:
        exchanged(shared, replace(works, secret=new_secret()))
    shared.server.clients.forget(tenant.client_id)
    if remembered:
        exchanged(shared, tenant)

    with statements(shared) as done:
        exchanged(shared, tenant)

    assert for_a_wrong_secret
    assert done == for_a_wrong_secret


@pytest.mark.parametrize("place", ["start", "middle", "checksum", "cut", "doubled"])
def test_a_typing_error_in_a_secret_is_told_apart_before_any_client_is_looked_up(shared: Live, place: str) -> None:
    secret = shared.world.alder.secret
    typed = {
        "start": "rxS_" + secret[4:],
        "middle": secret[:20] + ("a" if secret[20] != "a" else "b") + secret[21:],
        "checksum": secret[:-1] + ("a" if secret[-1] != "a" else "b"),
        "cut": secret[:-1],
        "doubled": secret * 2,
    }[place]

    with statements(shared) as done:
        known = exchanged(shared, replace(shared.world.alder, secret=typed))
        unknown = exchanged(shared, replace(shared.world.alder, client_id=new_client_id(), secret=typed))

    assert_not_proven(known)
    assert known.content == unknown.content
    assert "was not copied whole" in known.json()["error_description"]
    assert done == []


@pytest.mark.parametrize("in_body", ["the same", "another"])
def test_a_client_that_authenticates_twice_is_refused(shared: Live, in_body: str) -> None:
    """RFC 6749 §2.3: not more than one method in a request."""
    tenant = shared.world.alder
    secret = tenant.secret if in_body == "the same" else new_secret()

    answer = by_basic(shared, basic(tenant.client_id, tenant.secret), client_id=tenant.client_id, client_secret=secret)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_client_id_in_the_body_that_is_not_the_one_in_the_header_is_refused(shared: Live) -> None:
    tenant = shared.world.alder

    answer = by_basic(shared, basic(tenant.client_id, tenant.secret), client_id=shared.world.birch.client_id)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_two_authorization_headers_are_refused(shared: Live) -> None:
    value = basic(shared.world.alder.client_id, shared.world.alder.secret)

    answer = shared.http.post(
        "/oauth/token",
        data={"grant_type": "client_credentials"},
        headers=[("authorization", value), ("authorization", value)],
    )

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_percent_encoded_client_id_and_secret_are_decoded(shared: Live) -> None:
    """RFC 6749 §2.3.1: both are form-encoded first."""
    tenant = shared.world.alder
    every_character = [
        "".join(f"%{ord(character):02x}" for character in text) for text in (tenant.client_id, tenant.secret)
    ]

    assert by_basic(shared, basic(*every_character)).status_code == 200


def test_loosely_encoded_basic_credentials_are_refused(shared: Live) -> None:
    tenant = shared.world.alder
    good = encoded(f"{tenant.client_id}:{tenant.secret}").removeprefix("Basic ")
    loose = [
        good.rstrip("="),
        good + "=",
        good + "====",
        good + "AAAA",
        good + "!",
        good[:10] + " " + good[10:],
        " " + good,
        good[:10] + "\t" + good[10:],
        good[:10] + "-_" + good[12:],
        good[:-2] + chr(ord(good[-2]) + 1) + "=",  # the same octets, with stray last bits
        good.swapcase(),
    ]

    assert by_basic(shared, f"Basic {good}").status_code == 200
    for text in loose:
        assert_not_proven(by_basic(shared, f"Basic {text}"))


@pytest.mark.parametrize(
    "raw", [b"", b":", b"\xff\xfe:\xff", b"no colon", b"\x00:\x00", b"%ff:%ff", "é:ü".encode(), b"a" * 20_000 + b":b"]
)
def test_basic_credentials_that_are_no_text_or_no_pair_are_refused(shared: Live, raw: bytes) -> None:
    assert_not_proven(by_basic(shared, encoded(raw).strip()))


@pytest.mark.parametrize("scheme", ["Bearer", "Digest", "Basic", "basic:", "Negotiate", ""])
def test_a_header_of_another_scheme_does_not_fall_back_to_the_body(shared: Live, scheme: str) -> None:
    """A proof that is not understood is not the same as none."""
    tenant = shared.world.alder

    answer = by_basic(shared, f"{scheme} junk".strip(), client_id=tenant.client_id, client_secret=tenant.secret)

    assert answer.status_code in {400, 401}
    assert answer.json()["error"] in {"invalid_client", "invalid_request"}


@pytest.mark.parametrize("left_out", [("client_secret",), ("client_id",), ("client_id", "client_secret")])
def test_no_client_gets_a_token_without_its_proof(shared: Live, left_out: tuple[str, ...]) -> None:
    asked = {name: value for name, value in credentials(shared.world.alder).items() if name not in left_out}

    assert_not_proven(shared.http.post("/oauth/token", json=asked))
    assert_not_proven(shared.http.post("/oauth/token", data=asked))
