"""Our metadata for one connection, as an identity provider reads it (SAML V2.0 Metadata §2.4.4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rxauth.crypto.certificates import Certificate, KeyPair
from rxauth.crypto.xml_encryption import AES128_GCM, AES256_GCM, OAEP_MGF1P
from rxauth.federation.saml import xml
from rxauth.federation.saml.metadata import BINDING_URIS
from rxauth.federation.saml.xml import PROTOCOL

EMAIL_FORMAT: Final = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
PERSISTENT_FORMAT: Final = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"


@dataclass(frozen=True, slots=True)
class ServiceProvider:
    """Who we are to one identity provider.

    keys: the first one signs, and any of them decrypts; while the key changes there are two, and both are published.
    retired: published no more, and what is still encrypted to them is opened.
    """

    entity_id: str
    acs_url: str
    logout_url: str
    keys: tuple[KeyPair, ...]
    retired: tuple[KeyPair, ...] = ()

    @property
    def key(self) -> KeyPair:
        """The key that signs."""
        return self.keys[0]

    @property
    def certificates(self) -> Sequence[Certificate]:
        """What is published of the keys."""
        return [key.certificate for key in self.keys]


def write(provider: ServiceProvider) -> bytes:
    """Returns the metadata document."""
    root = xml.element("md:EntityDescriptor", {"entityID": provider.entity_id})
    role = xml.add(
        root,
        "md:SPSSODescriptor",
        {
            "AuthnRequestsSigned": "true",
            "WantAssertionsSigned": "true",
            "protocolSupportEnumeration": PROTOCOL,
        },
    )
    for use in ("signing", "encryption"):
        for certificate in provider.certificates:
            key = xml.add(role, "md:KeyDescriptor", {"use": use})
            data = xml.add(xml.add(key, "ds:KeyInfo"), "ds:X509Data")
            xml.add(data, "ds:X509Certificate", content=certificate.base64)
            if use == "encryption":
                for algorithm in (AES256_GCM, AES128_GCM, OAEP_MGF1P):
                    xml.add(key, "md:EncryptionMethod", {"Algorithm": algorithm})
    for uri in BINDING_URIS.values():
        xml.add(role, "md:SingleLogoutService", {"Binding": uri, "Location": provider.logout_url})
    for name_format in (PERSISTENT_FORMAT, EMAIL_FORMAT):
        xml.add(role, "md:NameIDFormat", content=name_format)
    acs = {"Binding": BINDING_URIS["post"], "Location": provider.acs_url, "index": "0", "isDefault": "true"}
    xml.add(role, "md:AssertionConsumerService", acs)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + xml.written(root)
