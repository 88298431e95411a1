"""A SAML provider for those who measure, whose assertions xmlsec1 signs: no process, since only browsers ask it."""

import base64
import time
import zlib
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from lxml import etree
from tests.federation.saml.issuing import Said, Xmlsec, assertion, attribute, response, signature_of

from rxauth.crypto.certificates import new_key_pair
from rxauth.domain.connection_settings import SamlSettings
from rxauth.domain.connection_urls import urls_of

ENTITY_ID: Final = "https://idp.example/metadata"  # as those write it who write its responses
_YEAR_S: Final = 365 * 86_400


class SamlProvider:
    """A provider that vouches for whoever it is told to. name: of the connection."""

    def __init__(self, folder: Path, issuer: str, name: str) -> None:
        self._xmlsec = Xmlsec(folder)
        self._key = new_key_pair("idp.example", int(time.time()), _YEAR_S)
        self._urls = urls_of(issuer, name)

    @property
    def settings(self) -> SamlSettings:
        """What its metadata say."""
        return SamlSettings(ENTITY_ID, "https://idp.example/sso", "redirect", (self._key.certificate.base64,))

    def form(self, url: str, person: str) -> str:
        """Returns the form that a browser posts which was sent to a URL."""
        sent, now = dict(parse_qsl(urlsplit(url).query)), int(time.time())
        request = etree.fromstring(zlib.decompress(base64.b64decode(sent["SAMLRequest"]), -zlib.MAX_WBITS))
        said = Said(
            id=f"_{person}.{time.time_ns()}",
            name_id=f"<saml:NameID>{person}</saml:NameID>",
            audience=self._urls.entity_id,
            recipient=self._urls.assertion_consumer,
            in_response_to=request.get("ID"),
            since=now,
            until=now + 300,
            authenticated_at=now,
            attributes=attribute("email", f"{person}@bench.example") + attribute("groups", "nurses"),
        )
        signed = self._xmlsec.signed(assertion(said, signature_of(said.id)), self._key)
        whole = response(signed, in_response_to=said.in_response_to, destination=said.recipient)
        posted = base64.b64encode(whole.encode()).decode()
        return urlencode({"SAMLResponse": posted, "RelayState": sent["RelayState"]})
