"""What we ask, as pysaml2 reads it."""

import base64
import time
import zlib
from dataclasses import replace
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from lxml import etree

from rxauth.federation.saml import bindings, logout, requests
from rxauth.federation.saml.assertions import NameId
from rxauth.federation.saml.errors import SamlError
from rxauth.federation.saml.own_metadata import PERSISTENT_FORMAT
from rxauth.federation.saml.requests import Wishes
from rxauth.federation.saml.responses import Expected
from tests.federation.saml.issuing import OUR_KEY, PASSWORD, THEIR_KEY, THEM, US, accepted
from tests.federation.saml.pysaml2_provider import Pysaml2Provider


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Pysaml2Provider:
    return Pysaml2Provider(US, tmp_path_factory.mktemp("pysaml2"))


def _query(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


def test_a_signed_request_in_a_url_is_read_by_another_implementation(provider: Pysaml2Provider) -> None:
    now = int(time.time())
    wishes = Wishes(is_forced=True, contexts=(PASSWORD,), name_id_format="urn:f")

    sent = requests.authentication_request(US, THEM, wishes, now, request_id="_r", relay_state="opaque")
    read = provider.request(_query(sent.url))

    assert sent.form is None
    assert sent.url.startswith("https://idp.example/sso?SAMLRequest=")
    assert (read.id, read.issuer.text, read.destination) == ("_r", US.entity_id, "https://idp.example/sso")
    assert (read.force_authn, read.assertion_consumer_service_url) == ("true", US.acs_url)
    assert read.requested_authn_context.authn_context_class_ref[0].text == PASSWORD
    assert read.name_id_policy.format == "urn:f"


def test_a_changed_request_is_not(provider: Pysaml2Provider) -> None:
    sent = requests.authentication_request(US, THEM, Wishes(), int(time.time()), request_id="_r", relay_state="opaque")
    with pytest.raises(Exception, match="not signed correctly"):
        assert provider.request(_query(sent.url) | {"RelayState": "other"}) is None


def test_a_signed_request_is_posted_where_there_is_no_redirect_binding(provider: Pysaml2Provider) -> None:
    posting = replace(THEM, sign_on_urls={"post": "https://idp.example/sso/post"})
    sent = requests.authentication_request(
        US, posting, Wishes(), int(time.time()), request_id="_r", relay_state="opaque"
    )
    assert sent.form is not None
    assert (sent.url, sent.form["RelayState"]) == ("https://idp.example/sso/post", "opaque")
    assert OUR_KEY.certificate.base64 not in repr(sent)
    assert provider.posted_request(sent.form["SAMLRequest"]).id == "_r"
    root = bindings.from_form("SAMLRequest", sent.form["SAMLRequest"], None).root
    assert [etree.QName(child).localname for child in root] == ["Issuer", "Signature", "NameIDPolicy"]


@pytest.mark.parametrize("signs_response", [False, True])
def test_what_pysaml2_answers_is_accepted(provider: Pysaml2Provider, signs_response: bool) -> None:
    answer = provider.answer("_r", signs_response=signs_response)
    found = accepted(answer, Expected(US, THEM, "_r"), int(time.time()))
    assert found.name_id.value == "grace"
    assert found.attributes["urn:oid:0.9.2342.19200300.100.1.3"] == ("grace@clinic.example",)
    assert found.attributes["urn:oid:1.3.6.1.4.1.5923.1.1.1.1"] == ("nurse", "prescriber")


def test_logout_is_asked_and_answered(provider: Pysaml2Provider) -> None:
    now = int(time.time())
    name_id = NameId("grace", PERSISTENT_FORMAT)
    sent = logout.request(US, THEM, now, name_id=name_id, session_index="s1", relay_state="state", request_id="_r")
    assert sent is not None
    read = provider.request(_query(sent.url), is_logout=True)
    assert (read.name_id.text, read.session_index[0].text) == ("grace", "s1")

    answer = bindings.from_query(provider.logout_answer(read), THEM.certificates)
    logout.read_response(answer, US, THEM, "_r")
    with pytest.raises(SamlError, match="another request"):
        logout.read_response(answer, US, THEM, "_other")


def test_logout_is_asked_by_the_provider_and_answered(provider: Pysaml2Provider) -> None:
    now = int(time.time())
    incoming = bindings.from_query(provider.logout_request(), THEM.certificates)
    asked = logout.read_request(incoming, US, THEM, now)
    assert (asked.name_id.value, asked.session_indexes, asked.relay_state) == ("grace", ("s1",), "state")
    answer = logout.answer(asked, US, THEM, now)
    assert answer is not None
    ours = bindings.from_query(urlsplit(answer.url).query, US.certificates)
    assert (ours.is_signed, ours.relay_state, ours.root.get("InResponseTo")) == (True, "state", asked.id)
    with pytest.raises(SamlError, match="too old"):
        logout.read_request(incoming, US, THEM, now + 3_600)


def _changed(query: str) -> list[str]:
    cut = query.index("&SigAlg")
    return [
        query[:cut],
        query.replace("RelayState=state", "RelayState=other"),
        query.replace("rsa-sha256", "rsa-sha1"),
        query.replace("rsa-sha256", "ecdsa-sha256"),
        query.replace("rsa-sha256", "rsa-sha512"),
        f"{query}&SAMLRequest=AAAA",
        f"{query}&Signature=AAAA",
        query.replace("&Signature=", "&Signature=AAAA"),
        f"{query}&SAMLEncoding=urn:other",
    ]


@pytest.mark.parametrize("attack", range(9))
def test_a_forged_logout_request_ends_nothing(provider: Pysaml2Provider, attack: int) -> None:
    query = provider.logout_request()
    forged = _changed(query)[attack]
    assert forged != query
    with pytest.raises(SamlError):
        logout.read_request(bindings.from_query(forged, THEM.certificates), US, THEM, int(time.time()))


def test_a_logout_request_for_another_address_or_of_another_issuer_ends_nothing(provider: Pysaml2Provider) -> None:
    incoming = bindings.from_query(provider.logout_request(), THEM.certificates)
    now = int(time.time())
    for us, them, said in (
        (replace(US, logout_url="https://rx.example/sso/hospital/slo"), THEM, "another address"),
        (US, replace(THEM, entity_id="https://other.example"), "was issued by"),
    ):
        with pytest.raises(SamlError, match=said):
            logout.read_request(incoming, us, them, now)
    with pytest.raises(SamlError, match="belongs here"):
        logout.read_response(incoming, US, THEM, "_r")
    with pytest.raises(SamlError, match="none of the configured"):
        bindings.from_query(provider.logout_request(), [OUR_KEY.certificate])
    assert THEIR_KEY.certificate in THEM.certificates


def test_a_message_that_unpacks_without_end_is_cut_off() -> None:
    packing = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = packing.compress(b"<x>" + b" " * 20_000_000) + packing.flush()
    with pytest.raises(SamlError, match="larger"):
        bindings.from_query(f"SAMLRequest={quote(base64.b64encode(packed).decode(), safe='')}", [])
