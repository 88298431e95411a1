"""A fast hasher: enough for a secret of 256 random bits, which nobody guesses however fast guesses are."""

import hashlib
from typing import Any

from django.contrib.auth.hashers import BasePasswordHasher
from django.utils.crypto import constant_time_compare


class Sha256(BasePasswordHasher):
    """SHA-256 of a secret and its salt, once."""

    algorithm = "sha256"

    def encode(self, password: str, salt: str) -> str:
        """Hashes."""
        return f"{self.algorithm}${salt}${hashlib.sha256((salt + password).encode()).hexdigest()}"

    def decode(self, encoded: str) -> dict[str, Any]:
        """Takes what `encode` returned to pieces."""
        algorithm, salt, digest = encoded.split("$", 2)
        return {"algorithm": algorithm, "salt": salt, "hash": digest}

    def verify(self, password: str, encoded: str) -> bool:
        """Compares."""
        return constant_time_compare(encoded, self.encode(password, self.decode(encoded)["salt"]))

    def harden_runtime(self, password: str, encoded: str) -> None:
        """There is nothing to make up for: it always takes as long."""
