"""Attacks on the reading of XML: what grows, what fetches, and what two readers understand differently."""

import base64
from typing import Final

import pytest

from rxauth.federation.saml import bindings, metadata
from rxauth.federation.saml.errors import SamlError
from rxauth.federation.saml.xml import MESSAGE_LIMIT_BYTES
from tests.federation.saml.issuing import NOW, THEIRS, Said, Xmlsec, accepted, attribute, refusal, swapped

LAUGHS: Final = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
DTDS: Final = {
    "billion laughs": f'<!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]>',
    "a file": '<!DOCTYPE x [<!ENTITY l9 SYSTEM "file:///etc/passwd">]>',
    "another server": '<!DOCTYPE x [<!ENTITY l9 SYSTEM "http://127.0.0.1:9/">]>',
    "a parameter": '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:9/"> %p; <!ENTITY l9 "x">]>',
    "another DTD": '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">',
    "nothing": "<!DOCTYPE x>",
}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> str:
    name_id = "<saml:NameID>grace@clinic.example.evil.example</saml:NameID>"
    said = Said(name_id=name_id, attributes=attribute("mail", "grace@clinic.example.evil.example"))
    return Xmlsec(tmp_path_factory.mktemp("xmlsec")).answer(said)


@pytest.mark.parametrize("cut", ["<!---->", "<!-- x -->", "<?x y?>"])
@pytest.mark.parametrize("element", ["saml:NameID", "saml:AttributeValue"])
def test_a_comment_cuts_a_name_short(good: str, element: str, cut: str) -> None:
    assert accepted(good).attributes["mail"] == ("grace@clinic.example.evil.example",)
    whole = f"<{element}>grace@clinic.example"
    assert refusal(swapped(good, {whole: whole + cut})) == "xml_not_plain"


@pytest.mark.parametrize("dtd", DTDS.values(), ids=DTDS)
def test_entities_and_external_documents(good: str, dtd: str) -> None:
    assert refusal(dtd + swapped(good, {">grace@": ">&l9;grace@"})) == "xml_not_plain"
    assert refusal(dtd + good) == "xml_not_plain"


def test_an_entity_in_metadata() -> None:
    for dtd in DTDS.values():
        document = f'{dtd}<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{THEIRS}"/>'
        with pytest.raises(SamlError, match="DTD"):
            metadata.read(document.encode(), NOW)


def _read(octets: bytes) -> str:
    with pytest.raises(SamlError) as refused:
        bindings.from_form("SAMLResponse", base64.b64encode(octets).decode(), None)
    return refused.value.code


def test_a_dtd_in_an_encoding_that_hides_it(good: str) -> None:
    hidden = DTDS["a file"] + good
    assert _read(hidden.encode("utf-16")) == "not_utf8"
    assert _read(hidden.encode("utf-16-le")) in {"not_xml", "not_utf8"}
    assert _read(b'<?xml version="1.0" encoding="UTF-7"?>' + hidden.encode("utf-7")) == "xml_not_plain"
    ebcdic = '<?xml version="1.0" encoding="cp037"?>'.encode("cp037") + hidden.encode("cp037", "replace")
    assert _read(ebcdic) in {"not_xml", "not_utf8"}


def test_a_message_without_end() -> None:
    assert _read(b"<x>" + b" " * MESSAGE_LIMIT_BYTES) == "too_large"
    assert _read(b"<x>" * 50_000) == "not_xml"
    with pytest.raises(SamlError, match="larger"):
        bindings.from_form("SAMLResponse", "A" * (4 * MESSAGE_LIMIT_BYTES), None)


@pytest.mark.parametrize("octets", [b"", b"x", b"<x", b"<x>&y;</x>", b"\x00", b"<x a='1' a='2'/>", b"<x/><y/>"])
def test_what_is_no_xml(octets: bytes) -> None:
    assert _read(octets) in {"not_xml", "xml_not_plain"}
