"""A signing key that leaked is removed (J-16): whoever has it can make nothing of it, and nobody signs in again."""

import threading
import time
from collections.abc import Callable
from urllib.parse import urlencode

import jwt
import pytest

from rxauth.crypto.jws import new_signing_key
from rxauth.domain import key_removal
from rxauth.domain.audit import Event
from rxauth.edge.cookies import NAME
from rxauth.oauth import rotation
from tests.browsing import Browser
from tests.domain.test_audit import entries
from tests.live import Live, Process, decode, process, run
from tests.security.forging import READ, accepted, refusal
from tests.token_holders import Holders
from tests.world import AUDIENCE, ISSUER, World

KEY_SET = "/.well-known/jwks.json"
PATIENCE_S = 20  # a machine that runs many tests; on a quiet one a tenth of a second


def _remove(live: Live, *key_ids: str) -> None:
    server = live.server
    wanted = server.database.read(lambda tx: key_removal.wanted(tx, key_ids, live.clock.seconds()))
    planned = rotation.removal_of_server(server, key_ids, [new_signing_key(one) for one in wanted])
    server.database.write(
        lambda tx: key_removal.remove(
            tx, key_ids, planned.made, planned.sealing_key, live.clock.seconds(), published_for_s=0
        )
    )


def _wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert is_so()


def _refuses(server: Process, token: str) -> bool:
    headers = {"authorization": f"Bearer {token}"}
    return server.http.post("/graphql", json={"query": READ}, headers=headers).status_code == 401


@pytest.mark.parametrize("engine", ["postgresql"])
def test_every_process_refuses_what_a_removed_key_signed_and_publishes_it_no_longer(world: World) -> None:
    leaked, tenant = world.current_key.key_id, world.alder
    with process(world.settings) as first, process(world.settings) as second:
        asked = {"grant_type": "client_credentials", "client_id": tenant.client_id, "client_secret": tenant.secret}
        old = first.http.post("/oauth/token", data=asked).json()["access_token"]
        assert decode(old)[0]["kid"] == leaked
        assert not _refuses(first, old)
        assert not _refuses(second, old)  # it is remembered there as verified

        done = run(world.settings, "keys", "remove", leaked)
        assert done.returncode == 0, done.stderr
        for server in (first, second):
            _wait_until(lambda server=server: _refuses(server, old))  # type: ignore[misc]
            assert leaked not in server.http.get(KEY_SET).text

        new = first.http.post("/oauth/token", data=asked).json()["access_token"]
        assert not _refuses(second, new)
        key = jwt.PyJWKClient(second.url + KEY_SET).get_signing_key_from_jwt(new)
        assert key.key_id == world.next_key.key_id
        jwt.decode(new, key, algorithms=["RS256"], issuer=ISSUER, audience=AUDIENCE)
        with pytest.raises(jwt.PyJWKClientError):
            jwt.PyJWKClient(second.url + KEY_SET).get_signing_key_from_jwt(old)

    [removed] = entries(world, Event.KEY_REMOVED)
    assert (removed["actor"], removed["target"], removed["signing"]) == (
        {"kind": "operator", "id": None},
        leaked,
        world.next_key.key_id,
    )


def test_the_process_that_removes_a_key_refuses_at_once_what_it_signed_forged_or_not(live: Live) -> None:
    leaked = live.world.current_key
    old, forged = live.token(live.world.alder), live.sign(live.claims(live.world.birch), key=leaked)
    assert accepted(live.graphql(old, READ))
    assert accepted(live.graphql(forged, READ))
    _remove(live, leaked.key_id)
    for token in (old, forged, live.sign(live.claims(live.world.alder, jti="another"), key=leaked)):
        refusal(live, token)
    assert decode(live.token(live.world.alder))[0]["kid"] == live.world.next_key.key_id


def test_people_stay_signed_in_and_get_tokens_of_the_key_that_signs_now(live: Live) -> None:
    holders = Holders(live)
    session, _ = holders.session(holders.person())
    got = holders.redeemed(holders.code(session))
    _remove(live, live.world.current_key.key_id)
    refusal(live, got["access_token"])

    renewed = holders.refresh(got["refresh_token"]).json()
    assert {decode(renewed[name])[0]["kid"] for name in ("access_token", "id_token")} == {live.world.next_key.key_id}
    assert accepted(live.graphql(renewed["access_token"], READ))


def test_an_id_token_of_a_removed_key_proves_nothing_at_logout_and_the_person_is_asked(sqlite_live: Live) -> None:
    holders = Holders(sqlite_live)
    session, handle = holders.session(holders.person())
    hint = holders.redeemed(holders.code(session))["id_token"]
    _remove(sqlite_live, sqlite_live.world.current_key.key_id)
    browser = Browser(sqlite_live.url, ISSUER)
    browser.cookies[NAME] = handle
    answer = browser.send("GET", "/oidc/logout?" + urlencode({"id_token_hint": hint}))
    browser.close()

    assert answer.status_code == 200
    assert [form.fields for form in browser.forms()]
    assert holders.refresh(holders.redeemed(holders.code(session))["refresh_token"]).status_code == 200


def test_what_was_read_before_a_removal_never_comes_back(sqlite_live: Live) -> None:
    """The race is held open: one reading of the keys began before the removal, and ends after another that saw it."""
    keys, database = sqlite_live.server.keys, sqlite_live.server.database
    reading, removed, read = threading.Event(), threading.Event(), database.read

    def slow(work: Callable[..., object]) -> object:
        found = read(work)
        if not reading.is_set():
            reading.set()
            removed.wait(0.3)  # the removal waits for this reading, or passes it by
        return found

    database.read = slow  # type: ignore[method-assign, assignment]
    late = threading.Thread(target=keys.reload)
    late.start()
    assert reading.wait(PATIENCE_S)
    database.read = read  # type: ignore[method-assign]
    _remove(sqlite_live, sqlite_live.world.current_key.key_id)
    removed.set()
    late.join()

    assert keys.ring.current.key_id == sqlite_live.world.next_key.key_id
