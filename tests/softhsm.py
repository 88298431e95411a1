"""SoftHSM 2: a security module made of software, with a token in a folder of the test that asks for it."""

import subprocess
from pathlib import Path

from rxauth.crypto.security_module import Access

VARIABLE = "SOFTHSM2_CONF"
_LIBRARIES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")


class SoftHsm:
    """One token. Whoever starts a process in this environment reaches it."""

    def __init__(self, folder: Path) -> None:
        self._tokens = folder / "tokens"
        self._away = folder / "away"
        self._tokens.mkdir()
        self.file = folder / "softhsm2.conf"
        self.file.write_text(f"directories.tokendir = {self._tokens}\nlog.level = ERROR\n")
        library = next((one for one in _LIBRARIES if Path(one).exists()), None)
        if library is None:
            raise RuntimeError("SoftHSM is not installed: run `make test`, or apt-get install softhsm2")
        self.access = Access(library, "rxauth", "87654321")

    def initialize(self) -> None:
        """Makes the token."""
        names = ["--label", self.access.token, "--pin", self.access.pin, "--so-pin", "12345678"]
        command = ["softhsm2-util", "--init-token", "--free", *names]
        subprocess.run(command, check=True, capture_output=True)

    def take_away(self) -> None:
        """Has the token gone, as far as a process sees that opens the module from now on."""
        self._tokens.rename(self._away)
        self._tokens.mkdir()

    def bring_back(self) -> None:
        """Has it there again."""
        self._tokens.rmdir()
        self._away.rename(self._tokens)

    @property
    def variables(self) -> dict[str, str]:
        """The settings of a server that keeps its keys there."""
        access = self.access
        return {
            "RXAUTH_PKCS11_LIBRARY": access.library,
            "RXAUTH_PKCS11_TOKEN": access.token,
            "RXAUTH_PKCS11_PIN": access.pin,
        }
