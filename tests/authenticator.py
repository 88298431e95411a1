"""A passkey made of software: answers as a browser would, and lies where a test has it lie."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from rxauth.crypto.base64url import decode_base64url, encode_base64url

PRESENT, VERIFIED, BACKUP_ELIGIBLE, BACKED_UP, ATTESTED = 1, 4, 8, 16, 64
Answer = dict[str, Any]


def new_credential_id() -> bytes:
    """Returns a random identifier."""
    return secrets.token_bytes(16)


@dataclass
class Authenticator:
    """A credential on a device. count: how often it was used; stuck at 0 if it does not count, as synced ones do."""

    origin: str = "http://localhost:8000"
    rp_id: str = "localhost"
    flags: int = PRESENT | VERIFIED
    counts: bool = True
    count: int = 0
    credential_id: bytes = field(default_factory=new_credential_id)
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    user_handle: bytes | None = None
    client_extras: Mapping[str, Any] = field(default_factory=dict)

    def create(self, options: Mapping[str, Any], *, fmt: str = "none") -> str:
        """Answers `navigator.credentials.create`; fmt `packed` signs a statement about itself."""
        self.user_handle = decode_base64url(options["user"]["id"])
        client_side = self._client_side("webauthn.create", options["challenge"])
        cose_key = self._cose_key()
        length = len(self.credential_id).to_bytes(2)
        attested = bytes(16) + length + self.credential_id + cose_key
        data = self._authenticator_data(self.flags | ATTESTED) + attested
        statement: dict[str, Any] = {}
        if fmt == "packed":
            statement = {"alg": -7, "sig": self._signed(data + hashlib.sha256(client_side).digest())}
        attestation = cbor2.dumps({"fmt": fmt, "attStmt": statement, "authData": data})
        return self._answer(client_side, {"attestationObject": attestation}, {"transports": ["internal", "hybrid"]})

    def get(self, options: Mapping[str, Any]) -> str:
        """Answers `navigator.credentials.get`."""
        self.count += int(self.counts)
        client_side = self._client_side("webauthn.get", options["challenge"])
        data = self._authenticator_data(self.flags)
        signature = self._signed(data + hashlib.sha256(client_side).digest())
        parts = {"authenticatorData": data, "signature": signature}
        if self.user_handle is not None:
            parts["userHandle"] = self.user_handle
        return self._answer(client_side, parts, {})

    def _answer(self, client_side: bytes, parts: Mapping[str, bytes], extras: Mapping[str, Any]) -> str:
        named = encode_base64url(self.credential_id)
        response = {name: encode_base64url(value) for name, value in parts.items()}
        response |= {"clientDataJSON": encode_base64url(client_side), **extras}
        answer = {"id": named, "rawId": named, "type": "public-key", "response": response, "clientExtensionResults": {}}
        return json.dumps(answer | {"authenticatorAttachment": "platform"})

    def _client_side(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(said | dict(self.client_extras)).encode()

    def _authenticator_data(self, flags: int) -> bytes:
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes([flags]) + self.count.to_bytes(4)

    def _cose_key(self) -> bytes:
        numbers = self.key.public_key().public_numbers()
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)})

    def _signed(self, message: bytes) -> bytes:
        return self.key.sign(message, ec.ECDSA(hashes.SHA256()))
