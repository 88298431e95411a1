"""Attacks on the signature of a SAML response: who signed, with what, and what of it the signature covers."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import pytest

from rxauth.crypto.certificates import new_key_pair
from rxauth.federation.saml.errors import SamlError
from tests.federation.saml.issuing import (
    EXCLUSIVE,
    EXPECTED,
    NOW,
    OUR_KEY,
    THEIR_KEY,
    THEM,
    YEAR_S,
    Said,
    Xmlsec,
    accepted,
    assertion,
    encryption,
    refusal,
    response,
    signature_of,
    swapped,
)

ATTACKER: Final = new_key_pair("idp.example", NOW, YEAR_S)
DSIG: Final = "http://www.w3.org/2000/09/xmldsig#"
XENC: Final = "http://www.w3.org/2001/04/xmlenc#"


@pytest.fixture(scope="module")
def xmlsec(tmp_path_factory: pytest.TempPathFactory) -> Xmlsec:
    return Xmlsec(tmp_path_factory.mktemp("xmlsec"))


@pytest.fixture(scope="module")
def good(xmlsec: Xmlsec) -> str:
    return xmlsec.answer()


def test_what_the_attacks_alter_is_accepted(good: str) -> None:
    assert accepted(good).name_id.value == "grace"


def test_unsigned() -> None:
    assert refusal(response(assertion(Said()))) == "unsigned"


def test_signed_by_another_key_whose_certificate_is_in_the_key_info(xmlsec: Xmlsec) -> None:
    document = xmlsec.answer(key=ATTACKER)
    assert ATTACKER.certificate.base64[:60] in document
    with pytest.raises(SamlError, match=ATTACKER.certificate.fingerprint):
        accepted(document)


def test_signed_by_another_key_with_the_certificate_of_the_right_one(xmlsec: Xmlsec) -> None:
    document = "".join(xmlsec.answer(key=ATTACKER).split("\n"))
    there = ATTACKER.certificate.base64
    assert refusal(swapped(document, {there: THEIR_KEY.certificate.base64})) == "bad_signature"


@pytest.mark.parametrize(
    "changes",
    [
        {">grace<": ">mallory<"},
        {'SessionIndex="s1"': 'SessionIndex="s2"'},
        {"<saml:Audience>": "<saml:Audience>x"},
        {"<ds:DigestValue>": "<ds:DigestValue>AAAA"},
        {"<ds:SignatureValue>": "<ds:SignatureValue>AAAA"},
    ],
)
def test_changed_after_it_was_signed(good: str, changes: dict[str, str]) -> None:
    assert refusal(swapped(good, changes)) == "bad_signature"


def _cut(document: str, name: str) -> str:
    head, _, rest = document.partition(f"<ds:{name}>")
    return f"{head}<ds:{name}>{rest[rest.index(f'</ds:{name}>') :]}"


@pytest.mark.parametrize("name", ["SignatureValue", "DigestValue", "SignedInfo"])
def test_signature_with_nothing_in_it(good: str, name: str) -> None:
    assert refusal(_cut(good, name)) == "bad_signature"


def test_empty_signature(good: str) -> None:
    head, _, rest = good.partition("<ds:Signature ")
    assert refusal(f'{head}<ds:Signature xmlns:ds="{DSIG}"/>{rest.partition("</ds:Signature>")[2]}') == "bad_signature"


@pytest.mark.parametrize(
    "form",
    [
        {"method": f"{DSIG}rsa-sha1"},
        {"digest": f"{DSIG}sha1"},
        {"c14n": "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"},
        {"c14n": f"{EXCLUSIVE}WithComments"},
        {"transforms": ""},
        {"transforms": f'<ds:Transform Algorithm="{EXCLUSIVE}WithComments"/>'},
        {"transforms": '<ds:Transform Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"/>'},
        {
            "transforms": '<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><ds:XPath>1=1</ds:XPath>'
            f'</ds:Transform><ds:Transform Algorithm="{EXCLUSIVE}"/>'
        },
    ],
)
def test_weak_or_needless_algorithms(xmlsec: Xmlsec, form: dict[str, str]) -> None:
    assert refusal(xmlsec.answer(form=form)) == "bad_signature"


def test_the_secret_of_a_mac_is_the_public_certificate(good: str) -> None:
    mac = swapped(good, {"xmldsig-more#rsa-sha256": "xmldsig-more#hmac-sha256"})
    assert refusal(mac) == "bad_signature"


def test_reference_to_nothing_means_the_whole_document(xmlsec: Xmlsec) -> None:
    whole = xmlsec.signed(response(assertion(Said()), signature_of("")), element="Response")
    assert refusal(whole) == "bad_signature"


def test_reference_to_another_element(xmlsec: Xmlsec) -> None:
    whole = response(assertion(Said()), signature_of("_assertion"))
    assert refusal(xmlsec.signed(whole)) == "bad_signature"


def _second_reference(document: str) -> str:
    start, end = document.index("<ds:Reference"), document.index("</ds:SignedInfo>")
    return document[:end] + document[start:end] + document[end:]


def _no_reference(document: str) -> str:
    start, end = document.index("<ds:Reference"), document.index("</ds:SignedInfo>")
    return document[:start] + document[end:]


def _second_signature(document: str) -> str:
    start, end = document.index("<ds:Signature "), document.index("<saml:Subject>")
    return document[:end] + document[start:end] + document[end:]


def _reference_without_uri(document: str) -> str:
    return swapped(document, {'<ds:Reference URI="#_assertion">': "<ds:Reference>"})


def _external_reference(document: str) -> str:
    return swapped(document, {'URI="#_assertion"': 'URI="https://idp.example/assertion.xml"'})


@pytest.mark.parametrize(
    "attack", [_second_reference, _no_reference, _second_signature, _reference_without_uri, _external_reference]
)
def test_references_that_are_not_the_element_alone(good: str, attack: Callable[[str], str]) -> None:
    assert refusal(attack(good)) == "bad_signature"


def test_a_signature_that_is_wrong_is_not_made_good_by_one_that_is_right(xmlsec: Xmlsec) -> None:
    inner = xmlsec.signed(assertion(Said(), signature_of("_assertion")), ATTACKER)
    whole = xmlsec.signed(response(inner, signature_of("_response")), element="Response")
    assert refusal(whole) == "bad_signature"


def test_a_signed_response_of_somebody_else_around_a_signed_assertion(xmlsec: Xmlsec) -> None:
    inner = xmlsec.signed(assertion(Said(), signature_of("_assertion")))
    whole = xmlsec.signed(response(inner, signature_of("_response")), ATTACKER, element="Response")
    assert refusal(whole) == "bad_signature"


def test_the_signature_was_made_for_the_other_kind_of_key(good: str) -> None:
    curve = swapped(good, {"xmldsig-more#rsa-sha256": "xmldsig-more#ecdsa-sha256"})
    assert refusal(curve) == "bad_signature"


def test_a_key_that_was_taken_out_signs_no_more(good: str) -> None:
    new = new_key_pair("idp.example", NOW, YEAR_S)
    changed = replace(EXPECTED, them=replace(THEM, certificates=(new.certificate,)))
    assert refusal(good, changed) == "bad_signature"


def test_encrypted_to_another_key(xmlsec: Xmlsec) -> None:
    inner = xmlsec.signed(assertion(Said(), signature_of("_assertion")))
    assert refusal(response(xmlsec.encrypted(inner, encryption(), ATTACKER))) == "cannot_decrypt"


def test_encrypted_and_unsigned(xmlsec: Xmlsec) -> None:
    assert refusal(response(xmlsec.encrypted(assertion(Said()), encryption(), OUR_KEY))) == "unsigned"


@pytest.mark.parametrize(
    ("cipher", "transport", "session"),
    [
        ("http://www.w3.org/2009/xmlenc11#aes256-gcm", f"{XENC}rsa-1_5", "aes-256"),
        (f"{XENC}aes256-cbc", f"{XENC}rsa-oaep-mgf1p", "aes-256"),
        (f"{XENC}tripledes-cbc", f"{XENC}rsa-oaep-mgf1p", "des-192"),
    ],
)
def test_encryption_that_answers_give_away(xmlsec: Xmlsec, cipher: str, transport: str, session: str) -> None:
    inner = xmlsec.signed(assertion(Said(), signature_of("_assertion")))
    sealed = xmlsec.encrypted(inner, encryption(cipher, transport), session=session)
    assert refusal(response(sealed)) == "cannot_decrypt"


def test_each_change_of_a_sealed_assertion_is_answered_alike(xmlsec: Xmlsec) -> None:
    inner = xmlsec.signed(assertion(Said(), signature_of("_assertion")))
    document = response(xmlsec.encrypted(inner, encryption()))
    texts = set()
    for mark in ("<xenc:CipherValue>", "</xenc:EncryptedKey></ds:KeyInfo>\n<xenc:CipherData><xenc:CipherValue>"):
        head, found, tail = document.partition(mark)
        assert found
        start = next(index for index, character in enumerate(tail) if character not in "\n ")
        changed = "A" if tail[start] != "A" else "B"
        with pytest.raises(SamlError) as refused:
            accepted(head + found + tail[:start] + changed + tail[start + 1 :])
        texts.add(str(refused.value))
    assert len(texts) == 1
