"""S-07: passkeys, and how their ceremonies are abused, with an authenticator made of software."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from rxauth.crypto import webauthn
from rxauth.crypto.base64url import decode_base64url, encode_base64url
from rxauth.crypto.webauthn import NotProvenError
from rxauth.domain import passkeys, users
from rxauth.domain.errors import AbsentError, InvalidError
from rxauth.domain.passkey_challenges import FORGET, KEPT_S, LIFETIME_S
from rxauth.domain.passkeys import Asker, Passkey, relying_party
from rxauth.domain.users import User
from rxauth.policy.assurance import AAL2, acr_of
from rxauth.storage.database import Database
from rxauth.storage.tables.people import passkey_challenges
from rxauth.storage.tenancy import sql
from tests.authenticator import BACKED_UP, BACKUP_ELIGIBLE, PRESENT, VERIFIED, Authenticator
from tests.people import add_person, one_after_the_other
from tests.world import ISSUER, NOW, World

PARTY = relying_party(ISSUER)
BROWSER = Asker(PARTY, b"digest of one browser's cookie")
ELSEWHERE = Asker(PARTY, b"digest of another's")
Options = dict[str, Any]


@pytest.fixture
def database(world: World) -> Iterator[Database]:
    """The database of a world."""
    opened = world.open()
    yield opened
    opened.close()


@pytest.fixture
def ada(database: Database) -> User:
    """Somebody with a passkey."""
    return database.write(lambda tx: add_person(tx, "ada@alder.example", None))


@pytest.fixture
def mallory(database: Database) -> User:
    """Somebody else."""
    return database.write(lambda tx: add_person(tx, "mallory@birch.example", None))


@pytest.fixture
def device(database: Database, ada: User) -> Authenticator:
    """Ada's passkey."""
    device = Authenticator()
    assert register(database, ada, device.create(options_to_create(database, ada))) is not None
    return device


def options_to_create(database: Database, user: User, now: int = NOW) -> Options:
    """Asks for a passkey to be made."""
    return database.write(lambda tx: passkeys.registration_options(tx, user.id, BROWSER, now))


def register(
    database: Database, user: User, answer: str, asker: Asker = BROWSER, now: int = NOW, name: str = "A phone"
) -> Passkey | None:
    """Answers with a new passkey."""
    return database.write(lambda tx: passkeys.register(tx, user.id, asker, answer, now, name=name))


def options_to_get(database: Database, user: User | None = None, now: int = NOW) -> Options:
    """Asks for a proof."""
    user_id = None if user is None else user.id
    return database.write(lambda tx: passkeys.authentication_options(tx, user_id, BROWSER, now))


def prove(
    database: Database, answer: str, user: User | None = None, asker: Asker = BROWSER, now: int = NOW
) -> str | None:
    """Answers with a proof; returns whom it proves."""
    user_id = None if user is None else user.id
    return database.write(lambda tx: passkeys.authenticate(tx, user_id, asker, answer, now))


def altered(answer: str, change: Callable[[dict[str, Any]], None]) -> str:
    """Returns an answer after a change."""
    whole = json.loads(answer)
    change(whole)
    return json.dumps(whole)


def test_a_passkey_is_made_for_this_server_and_must_verify_its_user(database: Database, ada: User) -> None:
    options = options_to_create(database, ada)
    assert options["rp"] == {"id": "localhost", "name": "rxauth"}
    assert decode_base64url(options["user"]["id"]) == ada.id.encode()
    assert options["authenticatorSelection"] == {
        "residentKey": "required",
        "requireResidentKey": True,
        "userVerification": "required",
    }
    assert options["attestation"] == "none"
    assert len(decode_base64url(options["challenge"])) == 32
    json.dumps(options)


@pytest.mark.parametrize("fmt", ["none", "packed"])
def test_somebody_signs_in_with_a_passkey_without_saying_who_it_is(database: Database, ada: User, fmt: str) -> None:
    device = Authenticator()
    made = register(database, ada, device.create(options_to_create(database, ada), fmt=fmt))
    assert database.read(lambda tx: passkeys.of_user(tx, ada.id)) == [made]
    options = options_to_get(database)
    assert options["allowCredentials"] == []
    assert options["userVerification"] == "required"
    assert prove(database, device.get(options), now=NOW + 60) == ada.id
    assert database.read(lambda tx: passkeys.of_user(tx, ada.id))[0].last_used_at == NOW + 60
    assert acr_of(passkeys.METHODS) == AAL2


def test_a_security_key_that_names_nobody_proves_who_was_asked_for(
    database: Database, ada: User, device: Authenticator
) -> None:
    device.user_handle = None
    options = options_to_get(database, ada)
    assert [one["id"] for one in options["allowCredentials"]] == [encode_base64url(device.credential_id)]
    assert options["allowCredentials"][0]["transports"] == ["hybrid", "internal"]
    assert prove(database, device.get(options), ada) == ada.id
    assert prove(database, device.get(options_to_get(database))) is None  # and nobody if nobody was


def test_a_synced_passkey_that_does_not_count_works_again_and_again(database: Database, ada: User) -> None:
    device = Authenticator(counts=False, flags=PRESENT | VERIFIED | BACKUP_ELIGIBLE | BACKED_UP)
    made = register(database, ada, device.create(options_to_create(database, ada)))
    assert made is not None
    assert made.backed_up
    assert [prove(database, device.get(options_to_get(database))) for _ in range(3)] == [ada.id] * 3


def test_a_device_that_has_a_passkey_is_told_so(database: Database, ada: User, device: Authenticator) -> None:
    [excluded] = options_to_create(database, ada)["excludeCredentials"]
    assert excluded["id"] == encode_base64url(device.credential_id)


def test_s_07_a_challenge_works_once(database: Database, ada: User, device: Authenticator) -> None:
    options = options_to_get(database)
    answer = device.get(options)
    assert prove(database, answer) == ada.id
    assert prove(database, answer) is None
    assert prove(database, device.get(options)) is None


def test_s_07_a_challenge_is_used_up_by_an_answer_that_proves_nothing(
    database: Database, ada: User, device: Authenticator
) -> None:
    options = options_to_get(database)
    assert prove(database, replace(device, flags=PRESENT).get(options)) is None
    assert prove(database, device.get(options)) is None
    options = options_to_create(database, ada)
    second = Authenticator()
    assert register(database, ada, replace(second, flags=PRESENT).create(options)) is None
    assert register(database, ada, second.create(options)) is None


def test_s_07_a_challenge_answered_twice_at_once_works_once(
    world: World, database: Database, ada: User, device: Authenticator
) -> None:
    options = options_to_get(database)
    answers = iter([device.get(options), device.get(options)] * 3)
    first, second = one_after_the_other(world, lambda tx: passkeys.authenticate(tx, None, BROWSER, next(answers), NOW))
    assert (first, second.result()) == (ada.id, None)


def test_s_07_a_challenge_is_dead_after_five_minutes(database: Database, ada: User, device: Authenticator) -> None:
    options = options_to_get(database)
    assert prove(database, device.get(options), now=NOW + LIFETIME_S) is None
    assert prove(database, device.get(options), now=NOW + LIFETIME_S - 1) == ada.id
    assert register(database, ada, Authenticator().create(options_to_create(database, ada)), now=NOW + 300) is None


def test_s_07_a_challenge_is_one_browsers_alone(database: Database, ada: User, device: Authenticator) -> None:
    answer = device.get(options_to_get(database))
    assert prove(database, answer, asker=ELSEWHERE) is None
    assert prove(database, answer) == ada.id
    made = Authenticator().create(options_to_create(database, ada))
    assert register(database, ada, made, asker=ELSEWHERE) is None


def test_s_07_a_challenge_is_for_one_purpose(database: Database, ada: User, device: Authenticator) -> None:
    mixed = options_to_create(database, ada) | options_to_get(database, ada)
    assert register(database, ada, Authenticator().create(mixed)) is None
    assert prove(database, device.get(options_to_create(database, ada)), ada) is None


def test_s_07_a_challenge_is_for_one_person(
    database: Database, ada: User, mallory: User, device: Authenticator
) -> None:
    assert prove(database, device.get(options_to_get(database)), ada) is None
    assert prove(database, device.get(options_to_get(database, ada))) is None
    assert prove(database, device.get(options_to_get(database, mallory)), ada) is None
    assert register(database, mallory, Authenticator().create(options_to_create(database, ada))) is None


def test_challenges_that_nobody_can_answer_any_longer_are_forgotten(database: Database, ada: User) -> None:
    for now in (NOW, NOW + 1, NOW + LIFETIME_S):
        options_to_get(database, ada, now)
    database.write(lambda tx: FORGET(tx, NOW + LIFETIME_S + KEPT_S))
    kept = database.read(lambda tx: tx.all(sql(passkey_challenges.select())))
    assert sorted(row.expires_at - LIFETIME_S for row in kept) == [NOW + 1, NOW + LIFETIME_S]


def test_s_07_a_challenge_that_we_did_not_make_is_refused(database: Database, ada: User, device: Authenticator) -> None:
    assert prove(database, device.get({"challenge": encode_base64url(bytes(32))})) is None


LIES: dict[str, dict[str, Any]] = {
    "other origin": {"origin": "https://rxauth.example.evil"},
    "other port": {"origin": "http://localhost:8001"},
    "origin with a path": {"origin": "http://localhost:8000/"},
    "other relying party": {"rp_id": "example.evil"},
    "user not verified": {"flags": PRESENT},
    "user not present": {"flags": VERIFIED},
    "backed up though it cannot be": {"flags": PRESENT | VERIFIED | BACKED_UP},
    "in a frame of another origin": {"client_extras": {"crossOrigin": True}},
    "in a frame, by its top": {"client_extras": {"topOrigin": "https://example.evil"}},
    "other kind of answer": {"client_extras": {"type": "payment.get"}},
}


@pytest.mark.parametrize("lie", LIES)
def test_s_07_a_proof_that_lies_is_refused(database: Database, ada: User, device: Authenticator, lie: str) -> None:
    assert prove(database, replace(device, **LIES[lie]).get(options_to_get(database))) is None
    device.count += 1
    assert prove(database, device.get(options_to_get(database))) == ada.id


@pytest.mark.parametrize("lie", LIES)
def test_s_07_a_registration_that_lies_is_refused(database: Database, ada: User, lie: str) -> None:
    assert register(database, ada, Authenticator(**LIES[lie]).create(options_to_create(database, ada))) is None
    assert database.read(lambda tx: passkeys.of_user(tx, ada.id)) == []


def test_s_07_somebody_elses_passkey_is_no_second_factor(
    database: Database, ada: User, mallory: User, device: Authenticator
) -> None:
    own = Authenticator()
    assert register(database, mallory, own.create(options_to_create(database, mallory))) is not None
    assert prove(database, own.get(options_to_get(database, ada)), ada) is None
    own.user_handle = None
    assert prove(database, own.get(options_to_get(database, ada)), ada) is None


def test_s_07_a_passkey_that_names_somebody_else_proves_nobody(
    database: Database, ada: User, mallory: User, device: Authenticator
) -> None:
    own = Authenticator()
    assert register(database, mallory, own.create(options_to_create(database, mallory))) is not None
    own.user_handle = ada.id.encode()
    assert prove(database, own.get(options_to_get(database))) is None
    assert prove(database, own.get(options_to_get(database, mallory)), mallory) is None


def test_s_07_a_passkey_signed_by_another_key_proves_nobody(
    database: Database, ada: User, device: Authenticator
) -> None:
    forged = Authenticator(credential_id=device.credential_id, user_handle=ada.id.encode(), count=5)
    assert prove(database, forged.get(options_to_get(database))) is None


def test_s_07_a_count_that_does_not_grow_is_refused(database: Database, ada: User, device: Authenticator) -> None:
    device.count = 7
    assert prove(database, device.get(options_to_get(database))) == ada.id  # 8 now
    for earlier in (6, 7):
        assert prove(database, replace(device, count=earlier).get(options_to_get(database))) is None
    assert prove(database, replace(device, counts=False, count=0).get(options_to_get(database))) is None
    assert prove(database, device.get(options_to_get(database))) == ada.id


def test_s_07_of_a_passkey_and_its_copy_used_at_once_one_is_refused(
    world: World, database: Database, ada: User, device: Authenticator
) -> None:
    answers = [replace(device).get(options_to_get(database)) for _ in range(2)]
    assert answers[0] != answers[1]
    queue = iter(answers * 3)
    first, second = one_after_the_other(world, lambda tx: passkeys.authenticate(tx, None, BROWSER, next(queue), NOW))
    assert (first, second.result()) == (ada.id, None)


def test_s_07_the_attestation_of_another_credential_is_refused(database: Database, ada: User) -> None:
    options = options_to_create(database, ada)
    genuine, others = Authenticator().create(options), json.loads(Authenticator().create(options))

    def swap(whole: dict[str, Any]) -> None:
        whole["response"]["attestationObject"] = others["response"]["attestationObject"]

    assert register(database, ada, altered(genuine, swap)) is None


@pytest.mark.parametrize(
    "change",
    [
        {"fmt": "fido-u2f"},
        {"fmt": "android-safetynet"},
        {"fmt": "unheard-of"},
        {"attStmt": {"alg": -7, "sig": bytes(70)}},
        {"fmt": "packed", "attStmt": {"alg": -7, "sig": bytes(70)}},
        {"authData": b""},
    ],
    ids=["u2f", "safetynet", "unknown", "none with a statement", "forged statement", "no authenticator data"],
)
def test_s_07_an_attestation_that_is_none_is_refused(database: Database, ada: User, change: dict[str, Any]) -> None:
    def swap(whole: dict[str, Any]) -> None:
        held = cbor2.loads(decode_base64url(whole["response"]["attestationObject"]))
        whole["response"]["attestationObject"] = encode_base64url(cbor2.dumps(held | change))

    answer = Authenticator().create(options_to_create(database, ada))
    assert register(database, ada, altered(answer, swap)) is None


def test_s_07_a_passkey_of_somebody_cannot_be_registered_again(
    database: Database, ada: User, mallory: User, device: Authenticator
) -> None:
    stolen = Authenticator(credential_id=device.credential_id)
    assert register(database, mallory, stolen.create(options_to_create(database, mallory))) is None
    assert register(database, ada, stolen.create(options_to_create(database, ada))) is None
    assert prove(database, device.get(options_to_get(database))) == ada.id


def test_a_disabled_person_proves_nothing(database: Database, ada: User, device: Authenticator) -> None:
    database.write(lambda tx: users.disable(tx, ada.id, NOW))
    assert prove(database, device.get(options_to_get(database))) is None


def test_a_passkey_is_renamed_and_removed_by_its_owner_alone(
    database: Database, ada: User, mallory: User, device: Authenticator
) -> None:
    named = encode_base64url(device.credential_id)
    for act in (passkeys.remove, lambda tx, user_id, one: passkeys.rename(tx, user_id, one, "Mine")):
        with pytest.raises(AbsentError):
            database.write(lambda tx, act=act: act(tx, mallory.id, named))  # type: ignore[misc]
    database.write(lambda tx: passkeys.rename(tx, ada.id, named, "  Blue \n key "))
    assert [one.name for one in database.read(lambda tx: passkeys.of_user(tx, ada.id))] == ["Blue key"]
    with pytest.raises(InvalidError):
        database.write(lambda tx: passkeys.rename(tx, ada.id, named, "x" * 61))
    database.write(lambda tx: passkeys.remove(tx, ada.id, named))
    assert prove(database, device.get(options_to_get(database))) is None


SHAPES = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(max_size=20),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(some.text(max_size=200) | SHAPES.map(json.dumps) | some.just("[" * 16_000) | some.just("x" * 20_000))
@settings(max_examples=60)
def test_s_07_whatever_is_no_answer_is_refused_as_one(answer: str) -> None:
    with pytest.raises(NotProvenError):
        webauthn.claimed(answer)
    with pytest.raises(NotProvenError):
        webauthn.verify_registration(answer, PARTY, bytes(32))
    with pytest.raises(NotProvenError):
        webauthn.verify_authentication(answer, PARTY, bytes(32), b"", 0)


@given(
    where=some.integers(0, 10_000),
    bit=some.integers(0, 7),
    part=some.sampled_from(["authenticatorData", "signature", "clientDataJSON"]),
)
@settings(max_examples=60)
def test_s_07_a_proof_with_any_bit_changed_is_refused(where: int, bit: int, part: str) -> None:
    device = Authenticator(user_handle=b"somebody")
    made = webauthn.verify_registration(
        device.create({"challenge": encode_base64url(bytes(32)), "user": {"id": "AAAA"}}), PARTY, bytes(32)
    )
    answer = device.get({"challenge": encode_base64url(bytes(32))})
    webauthn.verify_authentication(answer, PARTY, bytes(32), made.public_key, 0)

    def flip(whole: dict[str, Any]) -> None:
        raw = bytearray(decode_base64url(whole["response"][part]))
        raw[where % len(raw)] ^= 1 << bit
        whole["response"][part] = encode_base64url(bytes(raw))

    with pytest.raises(NotProvenError):
        webauthn.verify_authentication(altered(answer, flip), PARTY, bytes(32), made.public_key, 0)
