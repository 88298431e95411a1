"""The metadata of an identity provider, read (SAML V2.0 Metadata §2.4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlsplit

from rxauth.crypto import certificates
from rxauth.crypto.certificates import Certificate, MalformedCertificateError
from rxauth.federation.saml import xml
from rxauth.federation.saml.errors import SamlError, shown
from rxauth.federation.saml.xml import PROTOCOL, Element

Binding = Literal["redirect", "post"]
BINDINGS: Final[Mapping[str, Binding]] = {
    "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect": "redirect",
    "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST": "post",
}
BINDING_URIS: Final[Mapping[Binding, str]] = {binding: uri for uri, binding in BINDINGS.items()}
_CERTIFICATES_MOST: Final = 10
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """Where an identity provider is, and the keys that it signs with.

    logout_answers: where the answer to its logout request goes, where that is another place than `logout_urls`.
    certificates: any of them may sign: while it changes its key there are two.
    valid_until: UTC seconds after which the metadata must be fetched anew, or None.
    """

    entity_id: str
    sign_on_urls: Mapping[Binding, str]
    certificates: tuple[Certificate, ...]
    logout_urls: Mapping[Binding, str]
    logout_answers: Mapping[Binding, str]
    wants_signed_requests: bool = False
    valid_until: int | None = None


def read(document: bytes, now: int) -> IdentityProvider:
    """Reads the metadata document of one identity provider.

    Raises:
        SamlError: it is not the metadata of exactly one, out of date, or of no use without what it lacks.
    """
    root = xml.read_metadata_document(document)
    found = [(one, role) for one in root.iter(xml.name("md:EntityDescriptor")) for role in _roles(one)]
    if not found:
        raise SamlError(
            "no_identity_provider",
            "This is not the metadata of a SAML 2.0 identity provider: it has no IDPSSODescriptor. That of a service "
            "provider (such as ours) looks alike.",
        )
    if len(found) > 1:
        raise SamlError("several_identity_providers", "The document describes several identity providers: give one's.")
    entity, role = found[0]
    expiry = [xml.moment(value) for one in (root, entity, role) if (value := one.get("validUntil"))]
    if expiry and min(expiry) <= now:
        raise SamlError("metadata_expired", "The metadata was valid until a time that has passed: fetch it anew.")
    sign_on = _endpoints(role, "md:SingleSignOnService", "Location")
    if not sign_on:
        raise SamlError("no_sign_on_url", "The metadata names no sign-on URL for the redirect or the POST binding.")
    return IdentityProvider(
        entity_id=_entity_id(entity.get("entityID", "")),
        sign_on_urls=sign_on,
        certificates=_certificates(role),
        logout_urls=_endpoints(role, "md:SingleLogoutService", "Location"),
        logout_answers=_endpoints(role, "md:SingleLogoutService", "ResponseLocation"),
        wants_signed_requests=role.get("WantAuthnRequestsSigned", "").strip() in {"true", "1"},
        valid_until=min(expiry) if expiry else None,
    )


def require_url(value: str, what: str) -> str:
    """Returns a URL that a browser may be sent to.

    Raises:
        SamlError: it is not https, except on this machine, or is not whole.
    """
    try:
        parts = urlsplit(value)
        is_secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        is_whole = bool(parts.hostname) and parts.port != 0 and not parts.username
    except ValueError:
        is_secure = is_whole = False
    if not (is_secure and is_whole and value.isascii() and value.isprintable() and " " not in value):
        raise SamlError("bad_url", f"The {what} must be a whole https URL: {shown(value)}")
    return value


def _roles(entity: Element) -> list[Element]:
    return [
        role
        for role in xml.children(entity, "md:IDPSSODescriptor")
        if PROTOCOL in role.get("protocolSupportEnumeration", "").split()
    ]


def _entity_id(value: str) -> str:
    if not 1 <= len(value) <= 1024 or not value.isprintable():  # SAML V2.0 Metadata §2.2.1
        raise SamlError("no_entity_id", "The metadata has no entityID, or one of more than 1,024 characters.")
    return value


def _endpoints(role: Element, service: str, attribute: str) -> dict[Binding, str]:
    found: dict[Binding, str] = {}
    for one in xml.children(role, service):
        binding = BINDINGS.get(one.get("Binding", ""))
        location = one.get(attribute)
        if binding is not None and location:
            found.setdefault(binding, require_url(location.strip(), "sign-on or logout URL"))
    return found


def _certificates(role: Element) -> tuple[Certificate, ...]:
    """Reads the keys that sign: those of that use, and those of none named (SAML V2.0 Metadata §2.4.1.1)."""
    texts = [
        xml.text(one)
        for key in xml.children(role, "md:KeyDescriptor")
        if key.get("use") in {None, "signing"}
        for one in key.iter(xml.name("ds:X509Certificate"))
    ]
    return read_certificates(texts)


def read_certificates(texts: list[str]) -> tuple[Certificate, ...]:
    """Reads the certificates of an identity provider's keys, each once.

    Raises:
        SamlError: there is none, too many, or one that cannot be used.
    """
    if not texts:
        raise SamlError("no_certificate", "The identity provider has no signing certificate in it.")
    if len(texts) > _CERTIFICATES_MOST:
        raise SamlError("too_many_certificates", f"There are more than {_CERTIFICATES_MOST} signing certificates.")
    try:
        read_ones = [certificates.from_text(text) for text in texts]
    except MalformedCertificateError as error:
        raise SamlError("bad_certificate", f"A signing certificate cannot be used: {error}.") from None
    return tuple({one.fingerprint: one for one in read_ones}.values())
