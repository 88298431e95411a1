"""A response at the assertion consumer service: from what was posted to the one assertion that is signed.

Only what a signature covers is ever read: `verified` returns the signed element parsed anew, and the search goes on in
that, never in the document that it came in.
"""

from dataclasses import dataclass
from typing import Final

from lxml import etree

from rxauth.crypto import xml_encryption, xml_signatures
from rxauth.crypto.xml_encryption import CannotDecryptError
from rxauth.crypto.xml_signatures import BadXmlSignatureError
from rxauth.federation.saml import xml
from rxauth.federation.saml.errors import SamlError, shown
from rxauth.federation.saml.metadata import IdentityProvider
from rxauth.federation.saml.own_metadata import ServiceProvider
from rxauth.federation.saml.xml import Element

SUCCESS: Final = "urn:oasis:names:tc:SAML:2.0:status:Success"
_ASSERTIONS: Final = (xml.name("saml:Assertion"), xml.name("saml:EncryptedAssertion"))


@dataclass(frozen=True, slots=True)
class Expected:
    """What a response must fit.

    request_id: of the AuthnRequest that it answers; None: it answers none, and must not say that it does.
    authenticated_since: UTC seconds; whoever was to be authenticated anew must have been since then. None: whenever.
    """

    us: ServiceProvider
    them: IdentityProvider
    request_id: str | None
    authenticated_since: int | None = None


def signed_assertion(root: Element, expected: Expected) -> Element:
    """Returns the one assertion of a response, as the identity provider signed it.

    Raises:
        SamlError: the reason why it is not accepted.
    """
    if root.tag != xml.name("samlp:Response") or root.get("Version") != "2.0":
        raise SamlError("not_a_response", "What was posted is not a response of SAML 2.0.")
    is_signed = _has_signature(root)
    response = _verified(root, expected.them, "response") if is_signed else root
    check_status(response)
    _check_response(response, expected, is_signed=is_signed)
    found = [node for node in response.iter() if node.tag in _ASSERTIONS]
    if not found:
        raise SamlError("no_assertion", "The response has no assertion in it.")
    if len(found) > 1 or found[0].getparent() is not response:
        raise SamlError("several_assertions", "The response has several assertions, or one in a place of its own.")
    assertion = found[0]
    if assertion.tag == xml.name("saml:EncryptedAssertion"):
        assertion = opened(assertion, expected.us, "saml:Assertion", is_vouched_for=is_signed)
    if _has_signature(assertion):
        return _verified(assertion, expected.them, "assertion")
    if not is_signed:
        raise SamlError("unsigned", "Neither the response nor the assertion is signed: let one of them be signed.")
    return assertion


def in_response_to(root: Element) -> str | None:
    """Returns which request a response says it answers; not verified."""
    return root.get("InResponseTo")


def opened(container: Element, us: ServiceProvider, prefixed: str, *, is_vouched_for: bool) -> Element:
    """Decrypts what an encrypted element holds, which must be of that name.

    is_vouched_for: a signature around it was verified.

    Raises:
        SamlError: it cannot be opened, or holds something else.
    """
    what = etree.QName(container).localname
    try:
        octets = xml_encryption.decrypted(container, (*us.keys, *us.retired), is_vouched_for=is_vouched_for)
    except CannotDecryptError as error:
        raise SamlError("cannot_decrypt", f"The {what} is not accepted: {error}.") from None
    try:
        inner = xml.read_message(octets)
    except SamlError:
        raise SamlError("cannot_decrypt", f"The {what} holds no plain XML.") from None
    if inner.tag != xml.name(prefixed) or any(node.tag in _ASSERTIONS for node in inner.iterdescendants()):
        raise SamlError("cannot_decrypt", f"The {what} holds something else than it should.")
    return inner


def check_destination(root: Element, ours: str, *, is_signed: bool) -> None:
    """Refuses a message that was made for another address (SAML V2.0 Bindings §3.5.5.2: a signed one must say).

    Raises:
        SamlError: it was.
    """
    destination = root.get("Destination")
    if destination is None and not is_signed:
        return
    if destination != ours:
        raise SamlError(
            "wrong_destination",
            f"The message was made for another address: {shown(destination or 'none')}. Here it is {ours}.",
        )


def check_issuer(root: Element, them: IdentityProvider, *, is_required: bool) -> None:
    """Refuses what somebody else issued than the connection's identity provider.

    Raises:
        SamlError: somebody else did, or nobody says who.
    """
    issuer = xml.child_text(root, "saml:Issuer")
    if issuer is None and not is_required:
        return
    if issuer != them.entity_id:
        what = etree.QName(root).localname
        raise SamlError(
            "wrong_issuer",
            f"The {what} was issued by {shown(issuer or 'nobody')}, and this connection's identity provider is "
            f"{shown(them.entity_id)}.",
        )


def check_status(response: Element) -> None:
    """Refuses a message that tells of a failure.

    Raises:
        SamlError: it does.
    """
    status = xml.child(response, "samlp:Status")
    code = None if status is None else xml.child(status, "samlp:StatusCode")
    if code is None:
        raise SamlError("malformed", "The response has no status.")
    if code.get("Value") == SUCCESS:
        return
    names = [shown(one.get("Value", "").rpartition(":")[2]) for one in code.iter(xml.name("samlp:StatusCode"))]
    raise SamlError("refused_there", f"The identity provider refused: {', '.join(names[:3])}. Its log says why.")


def _check_response(response: Element, expected: Expected, *, is_signed: bool) -> None:
    check_issuer(response, expected.them, is_required=False)
    check_destination(response, expected.us.acs_url, is_signed=is_signed)
    if response.get("InResponseTo") != expected.request_id:
        raise SamlError(
            "wrong_request",
            "The response answers another request than the one that this browser's sign-in began with."
            if expected.request_id is not None
            else "The response says that it answers a request, and there is none that it could be.",
        )


def _has_signature(element: Element) -> bool:
    return bool(xml.children(element, "ds:Signature"))


def _verified(element: Element, them: IdentityProvider, what: str) -> Element:
    try:
        return xml_signatures.verified(element, them.certificates)
    except BadXmlSignatureError as error:
        raise SamlError("bad_signature", f"The {what} is not accepted: {error}.") from None
