"""Responses as identity providers make them: written here, signed and encrypted by xmlsec1, which is not ours."""

import base64
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pytest
from cryptography.hazmat.primitives import serialization

from rxauth.crypto.certificates import KeyPair, new_key_pair
from rxauth.federation.saml import assertions, bindings
from rxauth.federation.saml.assertions import Assertion
from rxauth.federation.saml.errors import SamlError
from rxauth.federation.saml.metadata import IdentityProvider
from rxauth.federation.saml.own_metadata import ServiceProvider
from rxauth.federation.saml.responses import Expected

NOW: Final = 1_800_000_000
YEAR_S: Final = 365 * 86_400
OURS: Final = "https://rx.example/sso/clinic"
THEIRS: Final = "https://idp.example/metadata"
REQUEST_ID: Final = "_request"
RSA_SHA256: Final = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
PASSWORD: Final = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
OUR_KEY: Final = new_key_pair("clinic at rx.example", NOW, YEAR_S)
THEIR_KEY: Final = new_key_pair("idp.example", NOW, YEAR_S)
US: Final = ServiceProvider(f"{OURS}/metadata", f"{OURS}/acs", f"{OURS}/slo", (OUR_KEY,))
THEM: Final = IdentityProvider(
    entity_id=THEIRS,
    sign_on_urls={"redirect": "https://idp.example/sso", "post": "https://idp.example/sso/post"},
    certificates=(THEIR_KEY.certificate,),
    logout_urls={"redirect": "https://idp.example/slo"},
    logout_answers={},
)
EXPECTED: Final = Expected(US, THEM, REQUEST_ID)

_SIGNATURE = """<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>
<ds:CanonicalizationMethod Algorithm="{c14n}"/><ds:SignatureMethod Algorithm="{method}"/>
<ds:Reference URI="{uri}"><ds:Transforms>
<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>{transforms}</ds:Transforms>
<ds:DigestMethod Algorithm="{digest}"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/>
<ds:KeyInfo><ds:X509Data><ds:X509Certificate/></ds:X509Data></ds:KeyInfo></ds:Signature>"""
EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
_ENCRYPTED = """<xenc:EncryptedData xmlns:xenc="http://www.w3.org/2001/04/xmlenc#"
 Type="http://www.w3.org/2001/04/xmlenc#Element"><xenc:EncryptionMethod Algorithm="{cipher}"/>
<ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><xenc:EncryptedKey>
<xenc:EncryptionMethod Algorithm="{transport}"/><ds:KeyInfo><ds:X509Data/></ds:KeyInfo>
<xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo>
<xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedData>"""


def at(moment: int) -> str:
    """Returns UTC seconds as SAML writes them."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Said:
    """What an assertion says; None leaves the thing out."""

    id: str = "_assertion"
    issuer: str | None = THEIRS
    name_id: str = "<saml:NameID>grace</saml:NameID>"
    audience: str | None = US.entity_id
    recipient: str | None = US.acs_url
    in_response_to: str | None = REQUEST_ID
    since: int = NOW
    until: int = NOW + 300
    method: str = assertions.BEARER
    condition: str = ""
    session: str = 'SessionIndex="s1"'
    authenticated_at: int = NOW
    attributes: str = ""


def assertion(said: Said, signature: str = "") -> str:
    """Writes an assertion."""
    issuer = "" if said.issuer is None else f"<saml:Issuer>{said.issuer}</saml:Issuer>"
    audience = "" if said.audience is None else f"<saml:Audience>{said.audience}</saml:Audience>"
    restriction = audience and f"<saml:AudienceRestriction>{audience}</saml:AudienceRestriction>"
    recipient = "" if said.recipient is None else f'Recipient="{said.recipient}"'
    answers = "" if said.in_response_to is None else f'InResponseTo="{said.in_response_to}"'
    return f"""<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{said.id}" Version="2.0"
 IssueInstant="{at(said.since)}">{issuer}{signature}<saml:Subject>{said.name_id}
<saml:SubjectConfirmation Method="{said.method}"><saml:SubjectConfirmationData {recipient} {answers}
 NotOnOrAfter="{at(said.until)}"/></saml:SubjectConfirmation></saml:Subject>
<saml:Conditions NotBefore="{at(said.since)}" NotOnOrAfter="{at(said.until)}">
{restriction}{said.condition}</saml:Conditions>
<saml:AuthnStatement AuthnInstant="{at(said.authenticated_at)}" {said.session}><saml:AuthnContext>
<saml:AuthnContextClassRef>{PASSWORD}</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>
{said.attributes}</saml:Assertion>"""


def attribute(name: str, *values: str) -> str:
    """Writes a statement of one attribute."""
    written = "".join(f"<saml:AttributeValue>{value}</saml:AttributeValue>" for value in values)
    return (
        f'<saml:AttributeStatement><saml:Attribute Name="{name}">{written}</saml:Attribute></saml:AttributeStatement>'
    )


def response(
    content: str,
    signature: str = "",
    in_response_to: str | None = REQUEST_ID,
    destination: str | None = US.acs_url,
    status: str = "Success",
    identifier: str = "_response",
) -> str:
    """Writes a response around an assertion."""
    answers = "" if in_response_to is None else f'InResponseTo="{in_response_to}"'
    place = "" if destination is None else f'Destination="{destination}"'
    return f"""<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="{identifier}" Version="2.0"
 IssueInstant="{at(NOW)}" {answers} {place}>
<saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">{THEIRS}</saml:Issuer>{signature}
<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:{status}"/></samlp:Status>
{content}</samlp:Response>"""


def signature_of(
    identifier: str,
    method: str = RSA_SHA256,
    digest: str = SHA256,
    c14n: str = EXCLUSIVE,
    transforms: str = f'<ds:Transform Algorithm="{EXCLUSIVE}"/>',
) -> str:
    """Writes a signature that is yet to be filled in. identifier: of what it refers to; empty: the whole document."""
    uri = f"#{identifier}" if identifier else ""
    return _SIGNATURE.format(uri=uri, method=method, digest=digest, c14n=c14n, transforms=transforms)


def encryption(
    cipher: str = "http://www.w3.org/2009/xmlenc11#aes256-gcm",
    transport: str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
) -> str:
    """Writes an encrypted element that is yet to be filled in."""
    return _ENCRYPTED.format(cipher=cipher, transport=transport)


class Xmlsec:
    """The program xmlsec1, with keys in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    def signed(self, document: str, key: KeyPair = THEIR_KEY, *, element: str = "Assertion") -> str:
        """Fills in the first signature of a document."""
        pair = f"{self._pem(key)},{self._certificate(key)}"
        namespace = "assertion" if element == "Assertion" else "protocol"
        attribute = f"urn:oasis:names:tc:SAML:2.0:{namespace}:{element}"
        return self._run("--sign", "--privkey-pem", pair, "--id-attr:ID", attribute, self._file(document))

    def encrypted(self, plain: str, template: str, key: KeyPair = OUR_KEY, *, session: str = "aes-256") -> str:
        """Fills in an encrypted element with `plain`, encrypted to the holder of `key`, and wraps it."""
        source = self._file(plain)
        arguments = ("--pubkey-cert-pem", self._certificate(key), "--session-key", session, "--xml-data", source)
        filled = self._run("--encrypt", *arguments, self._file(template))
        head = '<saml:EncryptedAssertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">'
        return f"{head}{filled}</saml:EncryptedAssertion>"

    def answer(
        self, said: Said | None = None, key: KeyPair = THEIR_KEY, *, form: Mapping[str, str] = MappingProxyType({})
    ) -> str:
        """Returns a response whose assertion is signed; form: how, of `signature_of`."""
        said = said or Said()
        signed = self.signed(assertion(said, signature_of(said.id, **form)), key)
        return response(signed, in_response_to=said.in_response_to)

    def _run(self, *arguments: str) -> str:
        finished = subprocess.run(["xmlsec1", *arguments], capture_output=True, text=True, check=False)
        assert finished.returncode == 0, finished.stderr
        return finished.stdout.removeprefix('<?xml version="1.0"?>\n')

    def _file(self, content: str) -> str:
        self._count += 1
        path = self._folder / f"{self._count}.xml"
        path.write_text(content)
        return str(path)

    def _pem(self, key: KeyPair) -> str:
        path = self._folder / f"{key.certificate.fingerprint[:11]}.key"
        encryption = serialization.NoEncryption()
        path.write_bytes(
            key.private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
        )
        return str(path)

    def _certificate(self, key: KeyPair) -> str:
        path = self._folder / f"{key.certificate.fingerprint[:11]}.pem"
        path.write_bytes(key.certificate.parsed.public_bytes(serialization.Encoding.PEM))
        return str(path)


def accepted(document: str, expected: Expected = EXPECTED, now: int = NOW) -> Assertion:
    """Reads a response as it is posted."""
    encoded = base64.b64encode(document.encode()).decode()
    return assertions.accepted(bindings.from_form("SAMLResponse", encoded, "state").root, expected, now)


def refusal(document: str, expected: Expected = EXPECTED, now: int = NOW) -> str:
    """Returns the code of why a response is refused."""
    with pytest.raises(SamlError) as refused:
        accepted(document, expected, now)
    assert "grace" not in str(refused.value)
    return refused.value.code


def swapped(document: str, changes: Mapping[str, str]) -> str:
    """Replaces texts that must be there."""
    for old, new in changes.items():
        assert old in document
        document = document.replace(old, new)
    return document
