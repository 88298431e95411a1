"""Attacks with assertions that an identity provider did sign: for somebody else, for another request, or long ago."""

from dataclasses import replace
from typing import Final

import pytest

from rxauth.crypto.certificates import new_key_pair
from rxauth.federation.saml.responses import Expected
from tests.federation.saml.issuing import (
    EXPECTED,
    NOW,
    REQUEST_ID,
    THEIR_KEY,
    THEM,
    US,
    YEAR_S,
    Said,
    Xmlsec,
    accepted,
    assertion,
    attribute,
    refusal,
    response,
    signature_of,
)

OTHER: Final = "https://rx.example/sso/hospital"


@pytest.fixture(scope="module")
def xmlsec(tmp_path_factory: pytest.TempPathFactory) -> Xmlsec:
    return Xmlsec(tmp_path_factory.mktemp("xmlsec"))


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (Said(audience=f"{OTHER}/metadata"), "wrong_audience"),
        (Said(audience=f"{US.entity_id}/"), "wrong_audience"),
        (Said(audience=None), "no_audience"),
        (
            Said(
                condition="<saml:AudienceRestriction><saml:Audience>https://other.example</saml:Audience>"
                "</saml:AudienceRestriction>"
            ),
            "wrong_audience",
        ),
        (Said(recipient=f"{OTHER}/acs"), "wrong_recipient"),
        (Said(recipient=None), "wrong_recipient"),
        (Said(issuer="https://other.example/metadata"), "wrong_issuer"),
        (Said(issuer=None), "wrong_issuer"),
        (Said(method="urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"), "no_bearer"),
        (Said(method="urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"), "no_bearer"),
        (Said(until=NOW - 60), "expired"),
        (Said(since=NOW + 61), "not_yet_valid"),
        (Said(authenticated_at=NOW + 61), "not_yet_valid"),
        (Said(session='SessionNotOnOrAfter="2020-01-01T00:00:00Z"'), "expired"),
        (Said(condition='<saml:Condition xmlns:xsi="urn:x" xsi:type="other"/>'), "unknown_condition"),
        (Said(name_id=""), "no_name_id"),
        (Said(name_id="<saml:NameID> </saml:NameID>"), "no_name_id"),
        (Said(name_id="<saml:NameID>grace</saml:NameID><saml:NameID>eve</saml:NameID>"), "malformed"),
        (Said(name_id="<saml:NameID>gr<b/>ace</saml:NameID>"), "malformed"),
        (Said(attributes=attribute("mail", "gr<b>ace</b>")), "malformed"),
    ],
)
def test_an_assertion_that_is_not_for_us_or_not_for_now(xmlsec: Xmlsec, said: Said, code: str) -> None:
    assert refusal(xmlsec.answer(said)) == code


@pytest.mark.parametrize("moment", [NOW - 60, NOW + 359])
def test_a_minute_between_the_clocks_is_nothing(xmlsec: Xmlsec, moment: int) -> None:
    assert accepted(xmlsec.answer(), now=moment).name_id.value == "grace"


@pytest.mark.parametrize(("moment", "code"), [(NOW - 61, "not_yet_valid"), (NOW + 360, "expired")])
def test_more_than_a_minute_is_too_much(xmlsec: Xmlsec, moment: int, code: str) -> None:
    assert refusal(xmlsec.answer(), now=moment) == code


def test_a_response_made_for_another_address(xmlsec: Xmlsec) -> None:
    inner = xmlsec.signed(assertion(Said(), signature_of("_assertion")))
    assert refusal(response(inner, destination=f"{OTHER}/acs")) == "wrong_destination"
    signed = xmlsec.signed(response(inner, signature_of("_response"), destination=None), element="Response")
    assert refusal(signed) == "wrong_destination"


@pytest.mark.parametrize("outer", [REQUEST_ID, "_other", None])
@pytest.mark.parametrize("inner", [REQUEST_ID, "_other", None])
def test_the_answer_to_another_request(xmlsec: Xmlsec, outer: str | None, inner: str | None) -> None:
    document = xmlsec.signed(assertion(Said(in_response_to=inner), signature_of("_assertion")))
    for asked in (REQUEST_ID, None):
        expected = replace(EXPECTED, request_id=asked)
        whole = response(document, in_response_to=outer)
        if outer == inner == asked:
            assert accepted(whole, expected).name_id.value == "grace"
        else:
            assert refusal(whole, expected) == "wrong_request"


def test_one_identity_provider_speaks_for_another(xmlsec: Xmlsec) -> None:
    key = new_key_pair("other.example", NOW, YEAR_S)
    other = replace(THEM, entity_id="https://other.example/metadata", certificates=(key.certificate,))
    at_other = replace(EXPECTED, them=other)
    assert refusal(xmlsec.answer(), at_other) == "wrong_issuer"
    assert refusal(xmlsec.answer(Said(issuer=other.entity_id), key)) == "bad_signature"
    assert refusal(xmlsec.answer(key=key)) == "bad_signature"
    assert refusal(xmlsec.answer(key=key), at_other) == "wrong_issuer"


def test_one_identity_provider_answers_for_another_of_its_connections(xmlsec: Xmlsec) -> None:
    at_other = replace(US, entity_id=f"{OTHER}/metadata", acs_url=f"{OTHER}/acs")
    assert refusal(xmlsec.answer(), Expected(at_other, THEM, REQUEST_ID)) == "wrong_destination"
    inner = xmlsec.signed(assertion(Said(), signature_of("_assertion")))
    assert refusal(response(inner, destination=None), Expected(at_other, THEM, REQUEST_ID)) == "wrong_audience"


def test_two_assertions_although_both_are_signed(xmlsec: Xmlsec) -> None:
    first, second = (xmlsec.signed(assertion(Said(id=one), signature_of(one))) for one in ("_1", "_2"))
    assert refusal(response(first + second)) == "several_assertions"


def test_no_assertion_although_the_status_is_success(xmlsec: Xmlsec) -> None:
    signed = xmlsec.signed(response("", signature_of("_response")), element="Response")
    assert refusal(signed) == "no_assertion"


def test_an_assertion_although_the_status_is_a_failure(xmlsec: Xmlsec) -> None:
    inner = xmlsec.signed(assertion(Said(), signature_of("_assertion")))
    assert refusal(response(inner, status="Responder")) == "refused_there"


def test_an_old_sign_in_where_a_new_one_was_asked_for(xmlsec: Xmlsec) -> None:
    forced = replace(EXPECTED, authenticated_since=NOW)
    assert refusal(xmlsec.answer(Said(authenticated_at=NOW - 3_600)), forced) == "not_anew"
    assert accepted(xmlsec.answer(), forced).name_id.value == "grace"


def test_an_assertion_alone_or_something_else_is_no_response(xmlsec: Xmlsec) -> None:
    assert refusal(xmlsec.signed(assertion(Said(), signature_of("_assertion")), THEIR_KEY)) == "not_a_response"
