"""The keys as a running process holds them: read once, and again when the change feed says so."""

from rxauth.crypto.jws import Signer
from rxauth.domain.signing_keys import KeyRing, load_ring
from rxauth.storage.database import Database


class Keys:
    """The key ring in use, and a signer for access tokens with its current key."""

    def __init__(self, database: Database, sealing_key: bytes) -> None:
        self._database = database
        self._sealing_key = sealing_key
        self.reload()

    def reload(self) -> None:
        """Reads the keys again.

        Raises:
            CannotUnsealError, DomainError: see `load_ring`.
        """
        ring = self._database.read(lambda tx: load_ring(tx, self._sealing_key))
        self.ring: KeyRing = ring
        self.access_token_signer = Signer(ring.current, "at+jwt")
