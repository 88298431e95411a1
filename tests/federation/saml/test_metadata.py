"""Metadata of identity providers, as they come, and ours, as pysaml2 takes them."""

from dataclasses import replace
from pathlib import Path

import pytest

from rxauth.crypto.certificates import new_key_pair
from rxauth.federation.saml import metadata, own_metadata
from rxauth.federation.saml.errors import SamlError
from tests.federation.saml.issuing import NOW, OUR_KEY, THEIR_KEY, THEIRS, US, YEAR_S, at
from tests.federation.saml.pysaml2_provider import Pysaml2Provider

SAML2 = "urn:oasis:names:tc:SAML:2.0"
NEW_KEY = new_key_pair("idp.example", NOW, YEAR_S)


def _key(certificate: str, use: str = ' use="signing"') -> str:
    return (
        f'<md:KeyDescriptor{use}><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>'
        f"<ds:X509Certificate>\n{certificate}\n</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
    )


def document(
    inner: str | None = None,
    *,
    head: str = "",
    role: str = "IDPSSODescriptor",
    location: str = "https://idp.example/sso",
    binding: str = "HTTP-Redirect",
) -> bytes:
    keys = _key(THEIR_KEY.certificate.base64) if inner is None else inner
    return f"""<?xml version="1.0" encoding="UTF-8"?><!-- comments are usual here -->
<md:EntityDescriptor xmlns:md="{SAML2}:metadata" entityID="{THEIRS}" {head}>
<md:{role} protocolSupportEnumeration="{SAML2}:protocol" WantAuthnRequestsSigned="true">{keys}<!-- and here -->
<md:SingleLogoutService Binding="{SAML2}:bindings:HTTP-Redirect" Location="https://idp.example/slo"
 ResponseLocation="https://idp.example/slo/done"/>
<md:SingleSignOnService Binding="{SAML2}:bindings:SOAP" Location="https://idp.example/soap"/>
<md:SingleSignOnService Binding="{SAML2}:bindings:{binding}" Location="{location}"/>
</md:{role}></md:EntityDescriptor>""".encode()


def test_what_is_needed_is_read() -> None:
    keys = _key(THEIR_KEY.certificate.base64) + _key(NEW_KEY.certificate.base64, "")
    keys += _key(OUR_KEY.certificate.base64, ' use="encryption"')
    found = metadata.read(document(keys, head=f'validUntil="{at(NOW + 60)}"'), NOW)
    assert found.entity_id == THEIRS
    assert found.sign_on_urls == {"redirect": "https://idp.example/sso"}
    assert found.logout_urls == {"redirect": "https://idp.example/slo"}
    assert found.logout_answers == {"redirect": "https://idp.example/slo/done"}
    assert found.certificates == (THEIR_KEY.certificate, NEW_KEY.certificate)
    assert (found.wants_signed_requests, found.valid_until) == (True, NOW + 60)


def test_metadata_of_another_implementation_are_read_and_ours_by_it(tmp_path: Path) -> None:
    changing = replace(US, keys=(OUR_KEY, NEW_KEY))
    provider = Pysaml2Provider(changing, tmp_path)
    found = metadata.read(provider.metadata(), NOW)
    assert (found.entity_id, found.sign_on_urls["redirect"]) == (THEIRS, "https://idp.example/sso")
    assert found.certificates == (THEIR_KEY.certificate,)
    written = own_metadata.write(changing).decode()
    assert written.count(OUR_KEY.certificate.base64) == written.count(NEW_KEY.certificate.base64) == 2


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (document(head=f'validUntil="{at(NOW)}"'), "metadata_expired"),
        (document(role="SPSSODescriptor"), "no_identity_provider"),
        (document(""), "no_certificate"),
        (document(_key("AAAA")), "bad_certificate"),
        (document(_key("no base64!")), "bad_certificate"),
        (document(location="http://idp.example/sso"), "bad_url"),
        (document(location="javascript:alert(1)"), "bad_url"),
        (document(location="https://x@idp.example/sso"), "bad_url"),
        (document(binding="HTTP-Artifact"), "no_sign_on_url"),
        (document().replace(THEIRS.encode(), b""), "no_entity_id"),
        (b'<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"/>', "no_identity_provider"),
        (own_metadata.write(US), "no_identity_provider"),
        (b"https://idp.example/metadata", "not_xml"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_reason(document: bytes, code: str) -> None:
    with pytest.raises(SamlError) as refused:
        metadata.read(document, NOW)
    assert refused.value.code == code


def test_of_several_identity_providers_none_is_chosen() -> None:
    one = document().partition(b"?>")[2].decode()
    many = f'<md:EntitiesDescriptor xmlns:md="{SAML2}:metadata">{one}{one}</md:EntitiesDescriptor>'
    with pytest.raises(SamlError, match="several"):
        metadata.read(many.encode(), NOW)
    alone = f'<md:EntitiesDescriptor xmlns:md="{SAML2}:metadata">{one}</md:EntitiesDescriptor>'
    assert metadata.read(alone.encode(), NOW).entity_id == THEIRS
