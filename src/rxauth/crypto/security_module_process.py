"""The process that has a PKCS #11 library loaded: `python -m` with the number of a pipe to whoever started it."""

import hashlib
import os
import signal
import sys
from multiprocessing.connection import Connection
from typing import Any, Final

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass
from pkcs11.exceptions import NoSuchKey, PKCS11Error
from pkcs11.util.ec import encode_named_curve_parameters

from rxauth.crypto.algorithms import RSA_BITS, Algorithm
from rxauth.crypto.base64url import encode_base64url

_CURVES: Final = {"ES256": "secp256r1", "EdDSA": "1.3.101.112"}
_PRIVATE: Final = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False}
_PUBLIC: Final = {Attribute.TOKEN: False}  # it stands in the database
_OCTET_STRING_HEAD: Final = 2  # DER: the tag and a length below 128


class Session:
    """A session with a token, logged in."""

    def __init__(self, library: str, token: str, pin: str) -> None:
        self._session = pkcs11.lib(library).get_token(token_label=token).open(rw=True, user_pin=pin)
        self._known: dict[str, Any] = {}

    def make(self, label: str, algorithm: Algorithm) -> dict[str, str]:
        """Makes a key; returns its public half as a JSON Web Key."""
        templates: Any = {"public_template": _PUBLIC, "private_template": _PRIVATE}
        asked = {"label": label, "store": True, "capabilities": MechanismFlag.SIGN | MechanismFlag.VERIFY, **templates}
        if algorithm == "RS256":
            public, _ = self._session.generate_keypair(KeyType.RSA, RSA_BITS, **asked)
            octets = (public[Attribute.MODULUS], public[Attribute.PUBLIC_EXPONENT])
            return {"kty": "RSA", "n": encode_base64url(octets[0]), "e": encode_base64url(octets[1])}
        kind, mechanism = KeyType.EC, Mechanism.EC_KEY_PAIR_GEN
        if algorithm == "EdDSA":
            kind, mechanism = KeyType.EC_EDWARDS, Mechanism.EC_EDWARDS_KEY_PAIR_GEN
        curve = {Attribute.EC_PARAMS: encode_named_curve_parameters(_CURVES[algorithm])}
        parameters = self._session.create_domain_parameters(kind, curve, local=True)
        public, _ = parameters.generate_keypair(mechanism=mechanism, **asked)
        point = public[Attribute.EC_POINT][_OCTET_STRING_HEAD:]
        if algorithm == "EdDSA":
            return {"kty": "OKP", "crv": "Ed25519", "x": encode_base64url(point)}
        x, y = point[1:33], point[33:]
        return {"kty": "EC", "crv": "P-256", "x": encode_base64url(x), "y": encode_base64url(y)}

    def sign(self, label: str, algorithm: Algorithm, octets: bytes) -> bytes:
        """Returns a signature as JSON Web Signatures have it (RFC 7518 §3.3 and §3.4, RFC 8037 §3.1)."""
        private = self._found(label)
        if algorithm == "RS256":
            return bytes(private.sign(octets, mechanism=Mechanism.SHA256_RSA_PKCS))
        if algorithm == "EdDSA":
            return bytes(private.sign(octets, mechanism=Mechanism.EDDSA))
        return bytes(private.sign(hashlib.sha256(octets).digest(), mechanism=Mechanism.ECDSA))

    def has(self, label: str) -> bool:
        """Tells whether there is a key."""
        self._known.pop(label, None)
        return self._found(label) is not None

    def destroy(self, label: str) -> None:
        """Destroys a key."""
        self._found(label).destroy()
        del self._known[label]

    def _found(self, label: str) -> Any:
        if label not in self._known:
            self._known[label] = self._session.get_key(object_class=ObjectClass.PRIVATE_KEY, label=label)
        return self._known[label]


def serve(pipe: Connection) -> None:
    """Does what is asked until nobody can ask any more."""
    session: Session | None = None
    while True:
        try:
            request = pipe.recv()
        except EOFError:
            return
        try:
            if session is None:
                session, answer = Session(*request), None
            else:
                answer = getattr(session, request[0])(*request[1:])
        except NoSuchKey:
            pipe.send(("absent", "it has no such key"))
        except (PKCS11Error, ValueError) as error:  # its text may say what no log should
            pipe.send(("failed", type(error).__name__))
        else:
            pipe.send(("done", answer))


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group: the server ends this one
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # some libraries print
    serve(Connection(int(sys.argv[1])))
