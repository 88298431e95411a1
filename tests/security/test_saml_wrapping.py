"""XML signature wrapping: the signed element is still there and still verifies, and another stands where it is read.

The eight positions are those that tools try, after Somorovsky et al., "On Breaking SAML" (2012).
"""

import copy
from collections.abc import Callable
from typing import Final

import pytest
from lxml import etree

from rxauth.federation.saml import xml
from rxauth.federation.saml.xml import Element
from tests.federation.saml.issuing import (
    Said,
    Xmlsec,
    accepted,
    assertion,
    encryption,
    refusal,
    response,
    signature_of,
)

_SIGNATURE: Final = xml.name("ds:Signature")
_ASSERTION: Final = xml.name("saml:Assertion")
Attack = Callable[[Element, str], Element]


@pytest.fixture(scope="module")
def xmlsec(tmp_path_factory: pytest.TempPathFactory) -> Xmlsec:
    return Xmlsec(tmp_path_factory.mktemp("xmlsec"))


@pytest.fixture(scope="module")
def signed_response(xmlsec: Xmlsec) -> str:
    return xmlsec.signed(response(assertion(Said()), signature_of("_response")), element="Response")


@pytest.fixture(scope="module")
def signed_assertion(xmlsec: Xmlsec) -> str:
    return xmlsec.answer()


def _evil(element: Element, identifier: str) -> Element:
    """Returns a copy in which somebody else is meant, without the signature."""
    copied = copy.deepcopy(element)
    for name_id in copied.iter(xml.name("saml:NameID")):
        name_id.text = "mallory"
    copied.set("ID", identifier)
    signature = copied.find(_SIGNATURE)
    if signature is not None:
        copied.remove(signature)
    return copied


def _without_signature(element: Element) -> tuple[Element, Element]:
    original = copy.deepcopy(element)
    signature = original.find(_SIGNATURE)
    assert signature is not None
    original.remove(signature)
    return original, signature


def _found(root: Element) -> Element:
    found = root.find(_ASSERTION)
    assert found is not None
    return found


def _original_response_inside_the_signature(root: Element, identifier: str) -> Element:
    evil, (original, signature) = _evil(root, identifier), _without_signature(root)
    signature.append(original)
    evil.insert(1, signature)
    return evil


def _original_response_before_the_signature(root: Element, identifier: str) -> Element:
    evil, (original, signature) = _evil(root, identifier), _without_signature(root)
    evil.insert(1, original)
    evil.insert(2, signature)
    return evil


def _evil_assertion_before(root: Element, identifier: str) -> Element:
    found = _found(root)
    root.insert(root.index(found), _evil(found, identifier))
    return root


def _evil_assertion_around(root: Element, identifier: str) -> Element:
    found = _found(root)
    evil = _evil(found, identifier)
    root.replace(found, evil)
    evil.append(found)
    return root


def _evil_assertion_has_the_signature(root: Element, identifier: str) -> Element:
    found = _found(root)
    evil, (original, signature) = _evil(found, identifier), _without_signature(found)
    evil.insert(1, signature)
    root.replace(found, evil)
    root.append(original)
    return root


def _original_assertion_inside_the_signature(root: Element, identifier: str) -> Element:
    found = _found(root)
    evil, (original, signature) = _evil(found, identifier), _without_signature(found)
    signature.append(original)
    evil.insert(1, signature)
    root.replace(found, evil)
    return root


def _evil_assertion_among_the_extensions(root: Element, identifier: str) -> Element:
    extensions = etree.Element(xml.name("samlp:Extensions"))
    extensions.append(_evil(_found(root), identifier))
    root.insert(1, extensions)
    return root


def _original_assertion_in_an_object(root: Element, identifier: str) -> Element:
    found = _found(root)
    evil, (original, signature) = _evil(found, identifier), _without_signature(found)
    etree.SubElement(signature, xml.name("ds:Object")).append(original)
    evil.insert(1, signature)
    root.replace(found, evil)
    return root


ON_RESPONSES: Final = [_original_response_inside_the_signature, _original_response_before_the_signature]
ON_ASSERTIONS: Final = [
    _evil_assertion_before,
    _evil_assertion_around,
    _evil_assertion_has_the_signature,
    _original_assertion_inside_the_signature,
    _evil_assertion_among_the_extensions,
    _original_assertion_in_an_object,
]


def _attacked(document: str, attack: Attack, identifier: str) -> str:
    made = etree.tostring(attack(etree.fromstring(document), identifier)).decode()
    assert "mallory" in made
    assert "grace" in made
    return made


def test_what_the_attacks_alter_is_accepted(signed_response: str, signed_assertion: str) -> None:
    assert accepted(signed_response).name_id.value == "grace"
    assert accepted(signed_assertion).name_id.value == "grace"


@pytest.mark.parametrize("identifier", ["_response", "_evil"])
@pytest.mark.parametrize("attack", ON_RESPONSES)
def test_wrapping_of_a_signed_response(signed_response: str, attack: Attack, identifier: str) -> None:
    assert refusal(_attacked(signed_response, attack, identifier)) in {"bad_signature", "duplicate_id"}


@pytest.mark.parametrize("identifier", ["_assertion", "_evil"])
@pytest.mark.parametrize("attack", ON_ASSERTIONS)
def test_wrapping_of_a_signed_assertion(signed_assertion: str, attack: Attack, identifier: str) -> None:
    assert refusal(_attacked(signed_assertion, attack, identifier)) in {"several_assertions", "duplicate_id"}


@pytest.mark.parametrize("attribute", ["Id", "id", "{http://www.w3.org/XML/1998/namespace}id"])
def test_wrapping_with_an_id_of_another_spelling(signed_assertion: str, attribute: str) -> None:
    root = etree.fromstring(signed_assertion)
    evil, (original, signature) = _evil(_found(root), "_assertion"), _without_signature(_found(root))
    del original.attrib["ID"]
    original.set(attribute, "_assertion")
    evil.insert(1, signature)
    root.replace(_found(root), evil)
    status = root.find(xml.name("samlp:Status"))
    assert status is not None
    etree.SubElement(status, xml.name("samlp:StatusDetail")).append(original)
    assert refusal(etree.tostring(root).decode()) == "duplicate_id"


def test_wrapping_inside_what_was_encrypted(xmlsec: Xmlsec, signed_assertion: str) -> None:

    root = etree.fromstring(signed_assertion)
    evil = _found(_evil_assertion_around(root, "_evil"))
    sealed = xmlsec.encrypted(etree.tostring(evil, with_tail=False).decode(), encryption())
    assert refusal(response(sealed)) == "cannot_decrypt"
