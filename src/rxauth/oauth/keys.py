"""The keys as a running process holds them: read once, and again when the change feed says so."""

import threading
from collections.abc import Mapping

from rxauth.crypto.jws import Algorithm, Signer
from rxauth.domain.signing_keys import KeyRing, load_ring
from rxauth.storage.database import Database


class Keys:
    """The key ring in use, and signers with its current keys for each type of token."""

    def __init__(self, database: Database, sealing_key: bytes) -> None:
        self._database = database
        self._sealing_key = sealing_key
        self._reloading = threading.Lock()
        self.reload()

    def reload(self) -> None:
        """Reads the keys again.

        Raises:
            CannotUnsealError, DomainError: see `load_ring`.
        """
        with self._reloading:  # what was read before must not replace what was read after it
            self._take(self._database.read(lambda tx: load_ring(tx, self._sealing_key)))

    def _take(self, ring: KeyRing) -> None:
        self.ring: KeyRing = ring
        self.access_token_signers: Mapping[Algorithm, Signer] = {
            algorithm: Signer(key, "at+jwt") for algorithm, key in ring.signing.items()
        }
        self.access_token_signer = self.access_token_signers["RS256"]
        self.id_token_signer = Signer(ring.current, "JWT")
        self.logout_token_signer = Signer(ring.current, "logout+jwt")  # OpenID Connect Back-Channel Logout §2.4
