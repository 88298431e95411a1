"""The keys as a running process holds them: read once, and again when the change feed says so."""

import threading
from collections.abc import Mapping

from rxauth.crypto.jws import Algorithm, Signer
from rxauth.crypto.security_module import SecurityModule
from rxauth.domain.signing_keys import KeyRing, load_ring
from rxauth.storage.database import Database


class Keys:
    """The key ring in use, and signers with its current keys for each type of token."""

    def __init__(self, database: Database, sealing_key: bytes, module: SecurityModule | None = None) -> None:
        self.module = module
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
            self._take(self._database.read(lambda tx: load_ring(tx, self._sealing_key, self.module)))

    def can_sign(self) -> bool:
        """Tells whether every current key that is in a security module can be reached there; blocks its thread."""
        places = [one.place for one in self.ring.signing.values() if one.place is not None]
        return not places or (self.module is not None and all(map(self.module.has, places)))

    def close(self) -> None:
        """Ends what signs outside this process."""
        if self.module is not None:
            self.module.close()

    def _take(self, ring: KeyRing) -> None:
        self.ring: KeyRing = ring
        self.access_token_signers: Mapping[Algorithm, Signer] = {
            algorithm: Signer(key, "at+jwt") for algorithm, key in ring.signing.items()
        }
        self.access_token_signer = self.access_token_signers["RS256"]
        self.id_token_signer = Signer(ring.current, "JWT")
        # Then nothing that a signature is needed for may be waited for on the event loop, or be done before it.
        self.are_local = all(one.is_local for one in self.access_token_signers.values())
        self.logout_token_signer = Signer(ring.current, "logout+jwt")  # OpenID Connect Back-Channel Logout §2.4
