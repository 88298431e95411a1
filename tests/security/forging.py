"""Forged tokens, and the one way in which the Clinical API refuses them."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding
from cryptography.hazmat.primitives.hashes import SHA256, HashAlgorithm

from rxauth.crypto.algorithms import PrivateKey
from rxauth.crypto.jws import encode_base64url
from tests.conftest import make_world
from tests.live import Live, challenge_attributes
from tests.world import StandingClock, Template

READ = "{ patients { id } }"


def served(templates: dict[str, Template], factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Serves one world to a whole module of attacks, none of which may change it."""
    running = Live(make_world("sqlite", templates, factory), StandingClock())
    yield running
    running.stop()


def good_header(api: Live) -> dict[str, Any]:
    """Returns the header that the server gives its own tokens."""
    return {"alg": "RS256", "typ": "at+jwt", "kid": api.world.current_key.key_id}


def part(value: object) -> str:
    """Returns JSON, or bytes as they are, in base64url."""
    return encode_base64url(value if isinstance(value, bytes) else json.dumps(value).encode())


def signed(
    header: object,
    payload: object,
    private: PrivateKey,
    scheme: AsymmetricPadding | None = None,
    algorithm: HashAlgorithm | None = None,
) -> str:
    """Signs any header and payload, with RSASSA-PKCS1-v1_5 and SHA-256 unless told otherwise."""
    assert isinstance(private, rsa.RSAPrivateKey)
    signing_input = f"{part(header)}.{part(payload)}"
    signature = private.sign(signing_input.encode(), scheme or padding.PKCS1v15(), algorithm or SHA256())
    return f"{signing_input}.{part(signature)}"


def forged(api: Live, header: dict[str, Any], **claims: Any) -> str:
    """Signs with the server's own key: a good token but for members of the header and claims; None leaves one out."""
    whole = good_header(api) | header
    kept = {name: value for name, value in whole.items() if value is not None}
    return signed(kept, api.claims(api.world.alder, **claims), api.world.current_key.private)


def refusal(api: Live, token: str) -> str:
    """Sends a token that must be refused as invalid (RFC 6750 §3.1); returns what the client is told."""
    answer = api.graphql(token, READ)
    assert answer.status_code == 401, answer.text
    attributes = challenge_attributes(answer)
    assert attributes["error"] == "invalid_token"
    assert answer.json()["errors"][0]["extensions"]["code"] == "INVALID_TOKEN"
    assert answer.json()["errors"][0]["message"] == attributes["error_description"]
    assert "data" not in answer.json()
    return attributes["error_description"]


def accepted(answer: httpx.Response) -> bool:
    """Tells whether the API answered with patients."""
    return answer.status_code == 200 and len(answer.json().get("data", {}).get("patients", [])) == 24
