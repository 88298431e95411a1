"""A SAML identity provider that nobody here wrote, as a process, and the way through it."""

import html
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from lxml import etree

from rxauth.crypto.certificates import Certificate, KeyPair, from_text, new_key_pair
from rxauth.domain.connection_urls import urls_of
from tests.federation import node
from tests.live import free_port, http_client
from tests.world import ISSUER, NOW

FOLDER: Final = Path(__file__).parent
NAME: Final = "alder-saml"
URLS: Final = urls_of(ISSUER, NAME)
PERSISTENT: Final = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
_MD: Final = "{urn:oasis:names:tc:SAML:2.0:metadata}"
_FIELD: Final = re.compile(r'<input[^>]*name="(SAMLResponse|RelayState)"[^>]*value="([^"]*)"')


@dataclass
class Upstream:
    """A provider at which somebody, or nobody, is signed in."""

    process: subprocess.Popen[str]
    base: str
    key: KeyPair
    http: httpx.Client
    trusted: Certificate | None = field(default=None)

    def present(self, subject: str | None, *, options: Mapping[str, Any] | None = None, **attributes: Any) -> None:
        """Has somebody signed in there, with these attributes; None: they refuse. options: of samlp."""
        said = {"email": f"{subject}@alder.example", "firstName": "Uma", "lastName": "Marsh", **attributes}
        person = None if subject is None else {"name": subject, "format": PERSISTENT, "attributes": said}
        self._put(present=person, options=options or {})

    def trust(self, certificate: Certificate, *, encrypts: bool = False) -> None:
        """Tells it our certificate: it accepts requests that are signed with it alone."""
        public = certificate.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        pem = certificate.parsed.public_bytes(Encoding.PEM).decode()
        self._put(settings={"spCertificate": pem, "spPublicKey": public, "encrypts": encrypts})

    def know(self, metadata: bytes, *, place: int = 0) -> None:
        """Hands it our metadata. place: which of the certificates in them it keeps, having room for one."""
        root = etree.fromstring(metadata)
        acs, slo = (root.find(f".//{_MD}{name}") for name in ("AssertionConsumerService", "SingleLogoutService"))
        assert acs is not None
        assert slo is not None
        self._put(settings={"audience": root.get("entityID"), "acs": acs.get("Location"), "slo": slo.get("Location")})
        signing = [one for one in root.iter(f"{_MD}KeyDescriptor") if one.get("use") == "signing"]
        self.trust(from_text("".join(signing[place].itertext())))

    def metadata(self) -> str:
        """Returns its metadata."""
        return self.http.get(f"{self.base}/metadata").text

    def answer(self, url: str) -> dict[str, str]:
        """Walks a browser through the provider; returns the form that it would post."""
        answer = self.http.get(url)
        assert answer.status_code == 200, answer.text
        return form_of(answer.text)

    def tile(self) -> dict[str, str]:
        """Begins at the provider; returns the form that a browser would post."""
        return self.answer(f"{self.base}/tile")

    def stop(self) -> None:
        """Ends the provider."""
        self.http.close()
        node.stop(self.process)

    def _put(self, **said: Any) -> None:
        self.http.put(f"{self.base}/people", json={"present": None, **said}).raise_for_status()


def form_of(page: str) -> dict[str, str]:
    """Returns the fields of a page that posts itself."""
    return {name: html.unescape(value) for name, value in _FIELD.findall(page)}


def start(issuer: str = ISSUER) -> Upstream:
    """Starts a provider that knows where this server is. issuer: its URL."""
    port, key = free_port(), new_key_pair("upstream", NOW, 86_400 * 365)
    private = key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    urls = urls_of(issuer, NAME)
    entity_id = f"http://127.0.0.1:{port}/metadata"
    idp = {"issuer": entity_id, "cert": key.certificate.parsed.public_bytes(Encoding.PEM).decode(), "key": private}
    places = {"acs": urls.assertion_consumer, "slo": urls.single_logout, "audience": urls.entity_id}
    process = node.start(FOLDER, {"port": port, "idp": idp, **places})
    return Upstream(process, f"http://127.0.0.1:{port}", key, http_client(timeout=30, trust_env=False))
