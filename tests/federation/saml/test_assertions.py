"""What is read of a response that another implementation signed, and encrypted."""

from dataclasses import replace
from datetime import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from rxauth.crypto import certificates
from rxauth.crypto.certificates import KeyPair, new_key_pair
from rxauth.federation.saml.responses import Expected
from tests.federation.saml.issuing import (
    EXPECTED,
    NOW,
    OUR_KEY,
    PASSWORD,
    THEM,
    US,
    YEAR_S,
    Said,
    Xmlsec,
    accepted,
    assertion,
    attribute,
    encryption,
    refusal,
    response,
    signature_of,
)

GCM = "http://www.w3.org/2009/xmlenc11#"
XENC = "http://www.w3.org/2001/04/xmlenc#"


def test_a_signed_assertion_tells_who_signed_in(xmlsec: Xmlsec) -> None:
    name_id = '<saml:NameID Format="urn:f" NameQualifier="q" SPNameQualifier="s"> grace </saml:NameID>'
    said = Said(name_id=name_id, attributes=attribute("groups", "nurses", "prescribers", ""))

    found = accepted(xmlsec.answer(said))

    assert (found.id, found.usable_until) == ("_assertion", NOW + 360)
    assert found.name_id.value == "grace"
    assert (found.name_id.format, found.name_id.name_qualifier, found.name_id.sp_name_qualifier) == ("urn:f", "q", "s")
    assert (found.session_index, found.context, found.authenticated_at) == ("s1", PASSWORD, NOW)
    assert found.attributes == {"groups": ("nurses", "prescribers")}


def test_a_signed_response_covers_the_assertion_in_it(xmlsec: Xmlsec) -> None:
    whole = response(assertion(Said()), signature_of("_response"))
    assert accepted(xmlsec.signed(whole, element="Response")).name_id.value == "grace"


def test_both_may_be_signed(xmlsec: Xmlsec) -> None:
    inner = xmlsec.signed(assertion(Said(), signature_of("_assertion")))
    whole = xmlsec.signed(response(inner, signature_of("_response")), element="Response")
    assert accepted(whole).name_id.value == "grace"


@pytest.mark.parametrize("bits", [256, 384, 512])
def test_the_longer_hashes_are_accepted(xmlsec: Xmlsec, bits: int) -> None:
    digest = f"{'http://www.w3.org/2001/04/xmldsig-more' if bits == 384 else XENC[:-1]}#sha{bits}"
    method = f"http://www.w3.org/2001/04/xmldsig-more#rsa-sha{bits}"
    assert accepted(xmlsec.answer(form={"method": method, "digest": digest})).name_id.value == "grace"


@pytest.mark.parametrize(("cipher", "session"), [("aes128-gcm", "aes-128"), ("aes256-gcm", "aes-256")])
def test_an_encrypted_assertion_is_opened_with_any_of_our_keys(xmlsec: Xmlsec, cipher: str, session: str) -> None:
    inner = xmlsec.signed(assertion(Said(), signature_of("_assertion")))
    sealed = xmlsec.encrypted(inner, encryption(GCM + cipher), session=session)
    coming = new_key_pair("the next one", NOW, YEAR_S)
    changing = replace(EXPECTED, us=replace(US, keys=(coming, OUR_KEY)))

    assert "grace" not in sealed
    assert accepted(response(sealed), changing).name_id.value == "grace"


def test_aes_cbc_is_accepted_inside_a_signed_response(xmlsec: Xmlsec) -> None:
    sealed = xmlsec.encrypted(assertion(Said()), encryption(f"{XENC}aes256-cbc"))
    whole = response(sealed, signature_of("_response"))
    assert accepted(xmlsec.signed(whole, element="Response")).name_id.value == "grace"


def test_while_the_identity_provider_changes_its_key_either_signs(xmlsec: Xmlsec) -> None:
    new = new_key_pair("idp.example", NOW, YEAR_S)
    changing = replace(EXPECTED, them=replace(THEM, certificates=(*THEM.certificates, new.certificate)))
    assert accepted(xmlsec.answer(), changing).name_id.value == "grace"
    assert accepted(xmlsec.answer(key=new), changing).name_id.value == "grace"


def test_a_certificate_is_trusted_after_its_date(xmlsec: Xmlsec) -> None:
    old = new_key_pair("idp.example", NOW - YEAR_S, 1)
    expected = replace(EXPECTED, them=replace(THEM, certificates=(old.certificate,)))
    assert accepted(xmlsec.answer(key=old), expected).name_id.value == "grace"


def test_a_response_that_answers_nothing_is_read_where_none_was_asked_for(xmlsec: Xmlsec) -> None:
    unasked = Expected(US, THEM, None)
    assert accepted(xmlsec.answer(Said(in_response_to=None)), unasked).name_id.value == "grace"


def test_a_name_id_as_a_value_is_its_text(xmlsec: Xmlsec) -> None:
    said = Said(attributes=attribute("targeted", "<saml:NameID>opaque</saml:NameID>"))
    assert accepted(xmlsec.answer(said)).attributes == {"targeted": ("opaque",)}


def test_what_is_printed_of_an_assertion_names_nobody(xmlsec: Xmlsec) -> None:
    found = accepted(xmlsec.answer(Said(attributes=attribute("mail", "grace@clinic.example"))))
    assert "grace" not in repr(found)


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1()])
def test_a_provider_may_sign_with_an_elliptic_curve(xmlsec: Xmlsec, curve: ec.EllipticCurve) -> None:
    private = ec.generate_private_key(curve)
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "idp.example")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private.public_key())
    builder = builder.serial_number(1).not_valid_before(datetime(2026, 1, 1)).not_valid_after(datetime(2036, 1, 1))  # noqa: DTZ001
    certificate = certificates.from_der(builder.sign(private, hashes.SHA256()).public_bytes(Encoding.DER))
    key = KeyPair(certificate, private)  # type: ignore[arg-type]  # ours are RSA keys
    expected = replace(EXPECTED, them=replace(THEM, certificates=(*THEM.certificates, certificate)))
    form = {"method": "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"}
    assert accepted(xmlsec.answer(key=key, form=form), expected).name_id.value == "grace"
    assert refusal(xmlsec.answer(key=key, form=form)) == "bad_signature"


def test_an_encrypted_name_is_opened(xmlsec: Xmlsec) -> None:
    name_id = '<saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">grace</saml:NameID>'
    sealed = xmlsec.encrypted(name_id, encryption()).replace("EncryptedAssertion", "EncryptedID")
    document = xmlsec.signed(assertion(Said(name_id=sealed), signature_of("_assertion")))
    assert "grace" not in document
    assert accepted(response(document)).name_id.value == "grace"
