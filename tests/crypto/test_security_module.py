"""Keys in a security module: they sign as keys in this process do, never leave it, and what hangs there is bounded."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import jwt
import pytest

from rxauth.crypto import jws
from rxauth.crypto.jws import ALGORITHMS, Algorithm, Signer, SignerUnavailableError
from rxauth.crypto.security_module import TRY_AGAIN_AFTER_S, ModuleKey, SecurityModule
from tests.softhsm import SoftHsm

INSPECT = """
import sys, pkcs11
from pkcs11 import Attribute, ObjectClass
library, token, pin = sys.argv[1:]
for key in pkcs11.lib(library).get_token(token_label=token).open(user_pin=pin).get_objects():
    print(key.object_class.name, key[Attribute.SENSITIVE], key[Attribute.EXTRACTABLE], key[Attribute.NEVER_EXTRACTABLE])
"""
LONG_S = 30.0


class Hands:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at_s = 0.0

    def __call__(self) -> float:
        return self.at_s


@pytest.fixture
def hands() -> Hands:
    """What the module's pauses go by."""
    return Hands()


@pytest.fixture
def module(softhsm: SoftHsm, hands: Hands) -> Iterator[SecurityModule]:
    """The module of one process."""
    opened = SecurityModule(softhsm.access, LONG_S, hands)
    yield opened
    opened.close()


def _made(module: SecurityModule, hands: Hands, algorithm: Algorithm = "ES256") -> ModuleKey:
    """Makes a key, with the patience that a busy machine asks for."""
    for _ in range(20):
        try:
            return module.make(algorithm)
        except SignerUnavailableError:
            hands.at_s += TRY_AGAIN_AFTER_S
    raise AssertionError("it made none")


def _children(module: SecurityModule) -> list[int]:
    return [one._process.pid for one in module._children if one._process is not None]


def test_each_algorithm_signs_and_what_it_signed_verifies_here_and_elsewhere(
    module: SecurityModule, hands: Hands, softhsm: SoftHsm
) -> None:
    for algorithm in ALGORITHMS:
        key = _made(module, hands, algorithm)
        signer = Signer(key, "at+jwt")
        text = signer.sign(b'{"sub":"somebody"}')
        assert not signer.is_local
        jws.verify(jws.take_apart(text), key.verification_key())
        published = jwt.PyJWK(key.verification_key().as_jwk())
        assert jwt.decode(text, published, algorithms=[algorithm]) == {"sub": "somebody"}
        assert key.key_id == jws.thumbprint(key.public)
        assert re.fullmatch(rf"pkcs11:token=rxauth;object=rxauth-{algorithm}-[0-9a-f]{{16}}", key.place)
        assert module.has(key.place)
    access = softhsm.access
    inspect = [sys.executable, "-c", INSPECT, access.library, access.token, access.pin]
    kept = subprocess.run(inspect, capture_output=True, text=True, check=True).stdout.splitlines()
    assert kept == ["PRIVATE_KEY True False True"] * 3


def test_a_key_that_another_process_made_signs_and_one_that_it_destroyed_does_not(
    module: SecurityModule, hands: Hands, softhsm: SoftHsm
) -> None:
    first = _made(module, hands)
    other = SecurityModule(softhsm.access, LONG_S)
    key = _made(other, hands)
    mine = replace(key, ask=module.sign)
    jws.verify(jws.take_apart(Signer(mine, "JWT").sign(b"{}")), key.verification_key())
    other.destroy(key.place)
    other.destroy(key.place)
    other.close()
    assert not module.has(key.place)
    with pytest.raises(SignerUnavailableError):
        mine.signing()(b"octets")
    assert first.signing()(b"octets")  # the other key is not held up by it
    elsewhere = replace(first, place=first.place.replace("token=rxauth", "token=other"))
    with pytest.raises(SignerUnavailableError, match="is not in the token that the settings name"):
        elsewhere.signing()(b"octets")


def test_a_module_that_hangs_is_given_up_within_a_bound_and_recovers_by_itself(softhsm: SoftHsm, hands: Hands) -> None:
    module = SecurityModule(softhsm.access, sign_within_s=1.0, monotonic=hands)
    sign = _made(module, hands).signing()
    [child] = _children(module)
    os.kill(child, signal.SIGSTOP)
    began = time.monotonic()
    with pytest.raises(SignerUnavailableError, match="does not answer"):
        sign(b"octets")
    for _ in range(100):
        with pytest.raises(SignerUnavailableError, match="failed a moment ago"):
            sign(b"octets")
    assert time.monotonic() - began < 30
    assert module.times_failed == 101
    hands.at_s += TRY_AGAIN_AFTER_S
    for _ in range(20):
        try:
            assert sign(b"octets")
            break
        except SignerUnavailableError:
            hands.at_s += TRY_AGAIN_AFTER_S
    else:
        raise AssertionError("it did not recover")
    module.close()
    assert not _children(module)


def test_a_process_of_the_module_that_crashes_costs_one_request(module: SecurityModule, hands: Hands) -> None:
    sign = _made(module, hands).signing()
    assert sign(b"octets")
    [child] = _children(module)
    os.kill(child, signal.SIGKILL)
    with pytest.raises(SignerUnavailableError):
        sign(b"octets")
    hands.at_s += TRY_AGAIN_AFTER_S
    assert sign(b"octets")


def test_several_threads_sign_at_once(module: SecurityModule, hands: Hands) -> None:
    key = _made(module, hands)
    signed: list[bytes] = []

    def work() -> None:
        while len(signed) < 20:
            try:
                signed.append(key.signing()(b"octets"))
            except SignerUnavailableError:  # its process takes longer to start than a signature may
                hands.at_s += TRY_AGAIN_AFTER_S

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(signed) >= 20
    assert len(set(signed)) == len(signed)  # ECDSA: each is different


@pytest.mark.parametrize(("wrong", "said"), [({"pin": "0000"}, "PinIncorrect"), ({"token": "other"}, "NoSuchToken")])
def test_a_module_that_cannot_be_opened_says_why_and_no_secret(
    softhsm: SoftHsm, hands: Hands, wrong: dict[str, str], said: str
) -> None:
    access = replace(softhsm.access, **wrong)
    module = SecurityModule(access, monotonic=hands)
    with pytest.raises(SignerUnavailableError) as refused:
        module.make("ES256")
    hands.at_s += TRY_AGAIN_AFTER_S
    again = "failed a moment ago" if "pin" in wrong else said  # a wrong PIN, tried again and again, locks the token
    with pytest.raises(SignerUnavailableError, match=again):
        module.make("ES256")
    module.close()
    assert said in str(refused.value)
    assert access.pin not in str(refused.value) + repr(access)
