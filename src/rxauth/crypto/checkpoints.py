"""Checkpoints of the audit log: its size and root at a time, signed with a key that signs nothing else.

The text is a C2SP checkpoint in a signed note, with the time as its one extension line; Ed25519 (RFC 8032).
"""

import base64
import binascii
import datetime
import hashlib
import re
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_ED25519: Final = b"\x01"
_EPOCH: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_ENDORSED: Final = b"rxauth audit key\n"
_NOTE: Final = re.compile(r"([^\n]+\n(0|[1-9]\d*)\n([^\n]+)\n([^\n]+)\n)\n— ([^ \n]+) ([^ \n]+)\n")


class BadCheckpointError(Exception):
    """A text is no checkpoint, or nobody who may signed it; str() says which."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The log at a time. origin: the log's identifier; at_us: UTC microseconds."""

    origin: str
    size: int
    root: bytes
    at_us: int

    def text(self) -> str:
        """Returns what is signed."""
        at = (_EPOCH + datetime.timedelta(microseconds=self.at_us)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n{at}\n"


@dataclass(frozen=True, slots=True)
class Verifier:
    """Whose checkpoints are believed. name: the origin of the log."""

    name: str
    public: bytes

    def fingerprint(self) -> bytes:
        """Returns the four bytes that name the key in a note."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    def text(self) -> str:
        """Returns the key as verifiers of signed notes take it: `name+fingerprint+key`."""
        return f"{self.name}+{self.fingerprint().hex()}+{base64.b64encode(_ED25519 + self.public).decode()}"

    @classmethod
    def from_text(cls, text: str) -> "Verifier":
        """Reads what `text` wrote.

        Raises:
            BadCheckpointError: it did not.
        """
        try:
            name, _, key = text.split("+", 2)
            read = cls(name, base64.b64decode(key, validate=True)[1:])
        except (ValueError, binascii.Error):
            raise BadCheckpointError("not the key of an audit log") from None
        if read.text() != text or len(read.public) != 32:
            raise BadCheckpointError("not the key of an audit log")
        return read

    def open(self, note: str) -> Checkpoint:
        """Returns the checkpoint that a note signs.

        Raises:
            BadCheckpointError: see there.
        """
        checkpoint, name, signature = _parse(note)
        if name != self.name or checkpoint.origin != self.name or signature[:4] != self.fingerprint():
            raise BadCheckpointError("signed by another key than the log's")
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature[4:], checkpoint.text().encode())
        except InvalidSignature:
            raise BadCheckpointError("the signature does not belong to it") from None
        return checkpoint

    def endorses(self, successor: "Verifier", signature: bytes) -> bool:
        """Tells whether the holder of this key handed over to another key of the log."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, _ENDORSED + successor.text().encode())
        except InvalidSignature:
            return False
        return successor.name == self.name


class CheckpointKey:
    """The private key of one log."""

    def __init__(self, name: str, seed: bytes) -> None:
        self._name = name
        self._private = Ed25519PrivateKey.from_private_bytes(seed)

    @classmethod
    def new(cls, name: str) -> "CheckpointKey":
        """Makes the key of a new log."""
        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw())

    def seed(self) -> bytes:
        """Returns what the constructor takes back."""
        return self._private.private_bytes_raw()

    def verifier(self) -> Verifier:
        """Returns the public half."""
        return Verifier(self._name, self._private.public_key().public_bytes_raw())

    def sign(self, checkpoint: Checkpoint) -> str:
        """Returns the signed note."""
        text = checkpoint.text()
        signature = self.verifier().fingerprint() + self._private.sign(text.encode())
        return f"{text}\n— {self._name} {base64.b64encode(signature).decode()}\n"

    def endorse(self, successor: Verifier) -> bytes:
        """Returns the signature with which this key hands over to another."""
        return self._private.sign(_ENDORSED + successor.text().encode())


def unproven(note: str) -> Checkpoint:
    """Reads a note without asking who signed it.

    Raises:
        BadCheckpointError: it is none.
    """
    return _parse(note)[0]


def _parse(note: str) -> tuple[Checkpoint, str, bytes]:
    """Returns the checkpoint, the name of who signed it, and the signature with the key's fingerprint before it."""
    found = _NOTE.fullmatch(note)
    if found is None:
        raise BadCheckpointError("not a checkpoint")
    text, size, root, at, name, signature = found.groups()
    try:
        at_us = (datetime.datetime.fromisoformat(at) - _EPOCH) // datetime.timedelta(microseconds=1)
        checkpoint = Checkpoint(text.partition("\n")[0], int(size), base64.b64decode(root, validate=True), at_us)
        signed = base64.b64decode(signature, validate=True)
    except (ValueError, TypeError, OverflowError):
        raise BadCheckpointError("not a checkpoint") from None
    if checkpoint.text() != text:
        raise BadCheckpointError("not written as checkpoints are")
    return checkpoint, name, signed
