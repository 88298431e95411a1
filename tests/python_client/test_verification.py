"""rxauth's tokens in somebody's own API: who gets in, who does not, and what they are told."""

import asyncio
import base64
import json
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from django.conf import settings as django_settings
from django.http import HttpRequest, JsonResponse
from django.test import AsyncRequestFactory, RequestFactory
from fastapi import Depends, FastAPI

from rxauth.crypto.jws import Signer, new_signing_key
from rxauth.domain import clients
from rxauth_client import (
    Caller,
    ForbiddenError,
    InvalidTokenError,
    RxauthError,
    TokenVerifier,
    UnavailableError,
)
from rxauth_client import django as for_django
from rxauth_client import starlette as for_starlette
from rxauth_client.introspection import Introspection
from tests.live import Live, decode
from tests.python_client.conftest import machine


@pytest.fixture(scope="module", autouse=True)
def _django() -> None:
    django_settings.configure(SECRET_KEY="of-a-test", ALLOWED_HOSTS=["*"], USE_TZ=True)


@pytest.fixture
def asking(served: Live) -> Introspection:
    """Asks the server of every token."""
    return Introspection(served.world.alder.client_id, served.world.alder.secret)


def verifier(served: Live, introspection: Introspection | None = None, **options: Any) -> TokenVerifier:
    """Returns what checks tokens for the server's own audience."""
    return TokenVerifier(
        served.server.issuer, options.pop("audience", served.server.audience), introspection=introspection, **options
    )


def token(served: Live) -> str:
    """Returns a machine's token."""
    return machine(served).token()


def own(served: Live, **changes: Any) -> str:
    """Returns a token with claims of the test's, signed with the server's key."""
    good = {"iss": served.server.issuer, "aud": served.server.audience}
    return served.sign(served.claims(served.world.alder, **good | changes))


def test_a_machine_is_known_by_its_token(served: Live) -> None:
    for sent in (f"Bearer {token(served)}", f"bearer  {token(served)}", token(served)):
        caller = verifier(served).verify(sent)
        assert (caller.client_id, caller.is_machine) == (served.world.alder.client_id, True)
        assert caller.organization_id == served.world.alder.organization_id
        caller.require("read:patient")
        with pytest.raises(ForbiddenError, match="manage:organization or read:client"):
            caller.require("manage:organization", "read:client")


def test_no_machine_writes_prescriptions_whatever_its_token_says(served: Live) -> None:
    caller = verifier(served).verify(own(served, permissions=["write:prescription"], scope="write:prescription"))
    with pytest.raises(ForbiddenError):
        caller.require("write:prescription")


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://another.example"},
        {"aud": ["http://localhost:8000", "https://another.example"]},
        {"iss": "https://evil.example/"},
        {"exp": 1},
        {"exp": None},
        {"nbf": 4_000_000_000},
        {"permissions": "read:patient"},
        {"permissions": None},
        {"sub": None},
        {"jti": None},
    ],
    ids=str,
)
def test_a_token_with_a_wrong_claim_is_refused(served: Live, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidTokenError):
        verifier(served).verify(own(served, **changes))


def test_what_is_no_access_token_is_refused(served: Live) -> None:
    good = token(served)
    head, body, signature = good.split(".")
    claims = served.claims(served.world.alder, iss=served.server.issuer, aud=served.server.audience)
    none = "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0Iiwia2lkIjoiYSJ9"
    bad = [None, "", "Bearer", "Bearer a b", "a.b.c", f"{head}.{body}", f"{head}.{body}.{signature[:-4]}AAAA"]
    bad += [served.sign(claims, "JWT"), f"{none}.{body}.", f"{none}.{body}.{signature}", "x" * 10_000]
    for sent in bad:
        with pytest.raises(InvalidTokenError) as refused:
            verifier(served).verify(sent)
        assert not sent or sent not in str(refused.value)


def test_made_up_keys_have_the_key_set_fetched_once_in_a_while(served: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, get = [], httpx.get

    def counted(url: str, **options: Any) -> httpx.Response:
        asked.append(url)
        return get(url, **options)

    monkeypatch.setattr("rxauth_client.keys.httpx.get", counted)
    one, good = verifier(served), token(served)
    one.verify(good)
    for number in range(5):
        head = base64.urlsafe_b64encode(json.dumps({"alg": "RS256", "typ": "at+jwt", "kid": str(number)}).encode())
        with pytest.raises(InvalidTokenError):
            one.verify(f"{head.rstrip(b'=').decode()}.e30.AAAA")
    assert len(asked) == 1


def test_old_keys_serve_while_the_server_is_away(served: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    one, good = verifier(served), token(served)
    one.verify(good)
    monkeypatch.setattr("rxauth_client.keys._KEEP_S", -1.0)
    monkeypatch.setattr("rxauth_client.keys.httpx.get", _unreachable)
    assert one.verify(good).is_machine
    with pytest.raises(UnavailableError):
        verifier(served).verify(good)


def test_a_process_that_begins_while_the_server_is_away_has_the_last_good_keys(served: Live, tmp_path: Path) -> None:
    file, good = tmp_path / "keys.json", token(served)
    verifier(served, keys_file=file).verify(good)
    forged = Signer(new_signing_key(), "at+jwt").sign(json.dumps(decode(good)[1]).encode())
    served.stop()

    begun = verifier(served, keys_file=file)
    assert begun.verify(good).client_id == served.world.alder.client_id
    with pytest.raises(InvalidTokenError):
        begun.verify(forged)
    with pytest.raises(UnavailableError):
        verifier(served).verify(good)


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://another.example/"},
        {"fetched_at": 0},
        {"fetched_at": 1e12},
        {"keys": {"keys": []}},
        {"keys": None},
        {"fetched_at": None},
    ],
)
def test_what_is_kept_of_keys_serves_only_if_it_is_the_servers_and_of_today(
    served: Live, tmp_path: Path, change: dict[str, Any]
) -> None:
    file, good = tmp_path / "keys.json", token(served)
    verifier(served, keys_file=file).verify(good)
    served.stop()

    for text in (json.dumps(json.loads(file.read_text()) | change), "no JSON"):
        file.write_text(text)
        with pytest.raises(UnavailableError):
            verifier(served, keys_file=file).verify(good)


def test_a_disk_that_keeps_nothing_stops_nobody(served: Live, tmp_path: Path) -> None:
    verifier(served, keys_file=tmp_path / "no folder" / "keys.json").verify(token(served))


def test_a_revoked_token_is_heeded_with_introspection_and_believed_without(served: Live, asking: Introspection) -> None:
    good, alder = token(served), served.world.alder
    now_asked = verifier(served, Introspection(asking.client_id, asking.secret, keep_s=0))
    assert now_asked.verify(good).is_machine
    served.server.database.write(lambda tx: clients.revoke_tokens(tx, alder.client_id, served.clock.seconds()))
    served.server.feed.poll()
    with pytest.raises(InvalidTokenError, match="revoked"):
        now_asked.verify(good)
    assert verifier(served).verify(good).is_machine


def test_an_answer_is_believed_for_a_few_seconds_and_no_longer(served: Live, asking: Introspection) -> None:
    one, good, alder = verifier(served, asking), token(served), served.world.alder
    one.verify(good)
    served.server.database.write(lambda tx: clients.revoke_tokens(tx, alder.client_id, served.clock.seconds()))
    served.server.feed.poll()
    assert one.verify(good).is_machine
    with pytest.raises(ValueError, match="0 to 5 seconds"):
        Introspection("a-client", "a-secret", keep_s=6)


def test_a_server_that_cannot_be_asked_lets_nobody_in(
    served: Live, asking: Introspection, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, good = verifier(served, asking), token(served)
    monkeypatch.setattr("rxauth_client.introspection.httpx.post", _unreachable)
    with pytest.raises(UnavailableError):
        one.verify(good)


@pytest.fixture
def api(served: Live) -> FastAPI:
    """A FastAPI application that reads and prescribes."""
    protection = for_starlette.Protection(verifier(served))
    app = FastAPI()

    @app.get("/patients")
    async def patients(caller: Annotated[Caller, Depends(protection.require("read:patient"))]) -> dict[str, Any]:
        return {"organization": caller.organization_id}

    @app.post("/prescriptions")
    async def prescribe(caller: Annotated[Caller, Depends(protection.require("write:prescription"))]) -> None:
        raise AssertionError(caller)

    return app


def called(app: FastAPI, method: str, path: str, **headers: str) -> httpx.Response:
    """Sends one request to an application."""

    async def send() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api.example") as client:
            return await client.request(method, path, headers=headers)

    return asyncio.run(send())


def test_fastapi_lets_in_who_has_the_permission_and_tells_the_others_why(served: Live, api: FastAPI) -> None:
    good = f"Bearer {token(served)}"
    assert called(api, "GET", "/patients", authorization=good).json() == {
        "organization": served.world.alder.organization_id
    }
    missing = called(api, "GET", "/patients")
    assert (missing.status_code, missing.headers["www-authenticate"]) == (401, "Bearer")
    wrong = called(api, "GET", "/patients", authorization="Bearer a.b.c")
    assert wrong.status_code == 401
    assert wrong.headers["www-authenticate"].startswith('Bearer error="invalid_token"')
    machine_writes = called(api, "POST", "/prescriptions", authorization=good)
    assert machine_writes.status_code == 403
    assert machine_writes.headers["www-authenticate"] == (
        'Bearer error="insufficient_scope", scope="write:prescription"'
    )


def test_django_lets_in_who_has_the_permission_and_tells_the_others_why(served: Live) -> None:
    protection = for_django.Protection(verifier(served))

    @protection.require("read:patient")
    def patients(_request: HttpRequest, caller: Caller) -> JsonResponse:
        return JsonResponse({"organization": caller.organization_id})

    @protection.require("read:patient")
    async def patients_async(_request: HttpRequest, caller: Caller) -> JsonResponse:
        return JsonResponse({"organization": caller.organization_id})

    header = {"Authorization": f"Bearer {token(served)}"}
    plain: Any = patients
    waiting: Any = patients_async
    assert plain(RequestFactory().get("/", headers=header)).status_code == 200
    assert asyncio.run(waiting(AsyncRequestFactory().get("/", headers=header))).status_code == 200
    refused = plain(RequestFactory().get("/"))
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert asyncio.run(waiting(AsyncRequestFactory().get("/"))).status_code == 401


def test_every_refusal_is_one_class_of_ours(served: Live) -> None:
    assert issubclass(InvalidTokenError, RxauthError)
    assert issubclass(UnavailableError, RxauthError)
    assert repr(verifier(served)).find("rxs_") == -1


def _unreachable(*_arguments: Any, **_options: Any) -> httpx.Response:
    raise httpx.ConnectError("refused")
