"""A server whose signing keys are in a security module: tokens, rotation, removal, and a module that is away."""

import dataclasses
import subprocess
from collections.abc import Iterator

import jwt
import pytest

from rxauth.app import make_keys, make_security_module
from rxauth.crypto import jws
from rxauth.crypto.jws import SignerUnavailableError
from rxauth.crypto.security_module import SecurityModule
from rxauth.domain import audit, operator_acts, restoration, signing_keys
from rxauth.domain.operator_acts import By, Removal, Rotated, Rotation
from rxauth.oauth import new_keys
from rxauth.oauth.key_schedule import KeySchedule
from rxauth.storage.database import Database
from tests.live import Live, decode, environment, run, rxauth_program
from tests.security.forging import READ, accepted, refusal
from tests.softhsm import SoftHsm
from tests.token_holders import Holders
from tests.world import AUDIENCE, NOW, StandingClock, World


def _keep_keys_in(world: World, softhsm: SoftHsm) -> World:
    """Returns the world with new keys, all of them in the module."""
    access = softhsm.access
    settings = dataclasses.replace(
        world.settings, pkcs11_library=access.library, pkcs11_token=access.token, pkcs11_pin=access.pin
    )
    database, module = Database(settings.database_url), make_security_module(settings)
    database.write(lambda tx: tx.connection.exec_driver_sql("DELETE FROM signing_keys"))
    make_keys(settings, database, StandingClock(NOW - 86_400), module)
    database.close()
    assert module is not None
    module.close()
    return dataclasses.replace(world, settings=settings)


@pytest.fixture
def live(world: World, softhsm: SoftHsm, clock: StandingClock) -> Iterator[Live]:
    """A server of such a world, on each engine."""
    running = Live(_keep_keys_in(world, softhsm), clock)
    yield running
    running.stop()


def _module(live: Live) -> SecurityModule:
    module = live.server.keys.module
    assert module is not None
    return module


def _current(live: Live) -> tuple[str, str]:
    """Returns the identifier of the key that signs, and where it is."""
    key = live.server.keys.ring.current
    assert key.place is not None
    return key.key_id, key.place


def _rotate(live: Live, module: SecurityModule | None) -> list[Rotated]:
    server = live.server
    by = By(audit.OPERATOR, live.clock.microseconds())
    with new_keys.made(module, ["RS256"]) as made:
        return server.database.write(
            lambda tx: operator_acts.rotate_keys(tx, by, Rotation(made, server.sealing_key, 0, 3_600))
        )


def test_tokens_of_machines_and_people_are_signed_there_and_the_database_has_no_private_half(live: Live) -> None:
    holders = Holders(live)
    session, _ = holders.session(holders.person())
    got = holders.redeemed(holders.code(session))
    renewed = holders.refresh(got["refresh_token"]).json()
    machine = live.token(live.world.alder)
    keys = {one["kid"]: one for one in live.http.get("/.well-known/jwks.json").json()["keys"]}
    assert len(keys) == 6
    for token in (machine, got["access_token"], got["id_token"], renewed["access_token"]):
        key_id = decode(token)[0]["kid"]
        assert key_id == _current(live)[0]
        jws.verify(jws.take_apart(token), live.server.keys.ring.verification[key_id])
        head, body, signature = token.split(".")
        published = jwt.PyJWK(keys[key_id])
        octets = jws.decode_base64url(signature)
        assert published.Algorithm.verify(f"{head}.{body}".encode(), published.key, octets)
    assert decode(machine)[1]["aud"] == AUDIENCE
    assert accepted(live.graphql(machine, READ))
    query = "SELECT sealed_private, private_place FROM signing_keys"
    rows = live.server.database.read(lambda tx: tx.connection.exec_driver_sql(query).all())
    assert {row.sealed_private for row in rows} == {None}
    assert len({row.private_place for row in rows}) == 6
    assert live.http.get("/readyz").json().get("problems", []) in ([], ["clock"])  # the test's clock stands still


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_rotated_key_is_destroyed_when_no_process_signs_with_it_any_more(live: Live) -> None:
    key_id, place = _current(live)
    token, schedule = live.token(live.world.alder), KeySchedule(live.server, 0)
    _rotate(live, _module(live))
    assert _current(live)[0] != key_id
    schedule.work_once()
    assert _module(live).has(place)  # a process that has not heard of it signs with it

    live.clock.advance(live.server.feed.bound_s + 1)
    schedule.work_once()
    assert not _module(live).has(place)
    assert accepted(live.graphql(token, READ))
    assert decode(live.token(live.world.alder))[0]["kid"] == _current(live)[0]
    assert live.server.database.read(lambda tx: signing_keys.leftover(tx, live.clock.seconds())) == {}


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_removed_key_is_destroyed_at_once(live: Live) -> None:
    key_id, place = _current(live)
    token, server = live.token(live.world.alder), live.server
    by = By(audit.OPERATOR, live.clock.microseconds())
    with new_keys.made(server.keys.module, ["RS256"]) as made:
        removal = Removal([key_id], made, server.sealing_key, 300)
        server.database.write(lambda tx: operator_acts.remove_keys(tx, by, removal))
    KeySchedule(server, 0).work_once()
    assert not _module(live).has(place)
    refusal(live, token)
    assert accepted(live.graphql(live.token(live.world.alder), READ))


@pytest.mark.parametrize("engine", ["sqlite"])
def test_what_is_made_for_nothing_is_destroyed_again(live: Live) -> None:
    module, places = _module(live), []

    def fail() -> None:
        with new_keys.made(module, ["ES256"]) as made:
            places.append(made[0].place or "")
            assert module.has(places[0])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not module.has(places[0])


def test_while_the_module_is_away_nothing_is_signed_or_spent_and_it_recovers_by_itself(
    live: Live, softhsm: SoftHsm
) -> None:
    holders, server = Holders(live), live.server
    session, _ = holders.session(holders.person())
    got = holders.redeemed(holders.code(session))
    waiting, machine = holders.code(session), live.token(live.world.alder)
    softhsm.take_away()
    for child in list(_module(live)._children):
        child.end()
    for answer in (
        live.exchange(live.world.alder),
        holders.refresh(got["refresh_token"]),
        live.http.post("/oauth/token", data=waiting.request()),
    ):
        assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
        assert answer.headers["retry-after"]
    ready = live.http.get("/readyz")
    assert ready.status_code == 503
    assert "signer" in ready.json()["problems"]
    assert accepted(live.graphql(machine, READ))
    assert live.http.get("/.well-known/jwks.json").status_code == 200
    with pytest.raises(SignerUnavailableError):
        _rotate(live, _module(live))

    softhsm.bring_back()
    live.clock.advance(3_000)  # much later than a refresh token that was spent may come again
    while "signer" in live.http.get("/readyz").json().get("problems", []):
        pass
    assert holders.refresh(got["refresh_token"]).status_code == 200
    assert decode(live.token(live.world.alder))[0]["kid"] == server.keys.ring.current.key_id


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_server_without_the_module_of_its_keys_verifies_and_does_not_sign(live: Live) -> None:
    token = live.token(live.world.alder)
    without = dataclasses.replace(live.world.settings, pkcs11_library=None, pkcs11_token=None, pkcs11_pin=None)
    other = Live(dataclasses.replace(live.world, settings=without), live.clock)
    assert accepted(other.graphql(token, READ))
    assert other.exchange(other.world.alder).status_code == 503
    assert "signer" in other.http.get("/readyz").json()["problems"]
    other.stop()


def test_keys_move_into_the_module_and_back_by_rotation(
    sqlite_world: World, softhsm: SoftHsm, clock: StandingClock
) -> None:
    access = softhsm.access
    settings = dataclasses.replace(
        sqlite_world.settings, pkcs11_library=access.library, pkcs11_token=access.token, pkcs11_pin=access.pin
    )
    live = Live(dataclasses.replace(sqlite_world, settings=settings), clock)
    assert live.server.keys.are_local
    assert live.token(live.world.alder)
    module = _module(live)
    # The next key takes over, whatever the settings were when it was made.
    for made_in, is_local in ((module, True), (module, False), (None, False), (None, True)):
        _rotate(live, made_in)
        assert (live.server.keys.ring.current.place is None) is is_local
        assert accepted(live.graphql(live.token(live.world.alder), READ))
    live.stop()


def test_after_a_restore_other_keys_sign_and_those_of_before_are_destroyed_or_named(
    sqlite_world: World, softhsm: SoftHsm
) -> None:
    world = _keep_keys_in(sqlite_world, softhsm)
    database, module = world.open(), make_security_module(world.settings)
    assert module is not None
    before = database.read(restoration.places)
    assert before

    with_module = environment(world.settings) | softhsm.variables
    printed = subprocess.run([rxauth_program(), "restored"], env=with_module, check=True, capture_output=True).stdout
    assert b"Destroy the key" not in printed
    after = database.read(restoration.places)
    assert ([module.has(one) for one in before], [module.has(one) for one in after]) == ([False] * 6, [True] * 6)

    done = run(world.settings, "restored")  # it has no module's settings
    assert done.returncode == 0, done.stderr
    assert [one for one in after if f"Destroy the key {one} in the security module" not in done.stdout] == []
    assert database.read(restoration.places) == []
    module.close()
    database.close()
