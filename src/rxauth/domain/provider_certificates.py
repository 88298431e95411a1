"""The certificates that a SAML identity provider signs with, as administrators compare them."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field

from rxauth.crypto import certificates
from rxauth.crypto.certificates import MalformedCertificateError
from rxauth.domain.connection_settings import SamlSettings
from rxauth.domain.errors import InvalidError

LIMIT_CHARACTERS = 20_000


@dataclass(frozen=True, slots=True)
class ProviderCertificate:
    """A certificate. text: as settings keep it; ends_at: UTC seconds."""

    text: str = field(repr=False)
    fingerprint: str
    ends_at: int


def of(settings: SamlSettings) -> Sequence[ProviderCertificate]:
    """Lists the certificates of a provider, in the order in which they were added."""
    found = [(text, certificates.from_der(base64.b64decode(text))) for text in settings.certificates]
    return [ProviderCertificate(text, one.fingerprint, one.not_after) for text, one in found]


def read(text: str) -> str:
    """Returns a certificate as settings keep it, from PEM or base64.

    Raises:
        InvalidError: it is none that signatures can be checked with.
    """
    if len(text) > LIMIT_CHARACTERS:
        raise InvalidError("certificate is longer than certificates are", "certificate")
    try:
        return certificates.from_text(text).base64
    except MalformedCertificateError as error:
        raise InvalidError(f"the certificate cannot be used: {error}", "certificate") from None
