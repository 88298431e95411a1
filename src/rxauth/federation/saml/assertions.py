"""What an assertion says of somebody, once it is known who signed it (SAML V2.0 Core §2, Profiles §4.1.4.3)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from rxauth.federation.saml import responses, xml
from rxauth.federation.saml.errors import SamlError, shown
from rxauth.federation.saml.own_metadata import ServiceProvider
from rxauth.federation.saml.responses import Expected
from rxauth.federation.saml.xml import Element

CLOCK_SKEW_S: Final = 60
BEARER: Final = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
TRANSIENT_FORMAT: Final = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
_CONDITIONS: Final = frozenset(
    xml.name(f"saml:{one}") for one in ("AudienceRestriction", "OneTimeUse", "ProxyRestriction")
)
_VALUES_MOST: Final = 2000


@dataclass(frozen=True, slots=True)
class NameId:
    """How an identity provider calls somebody. Two with the same value and other qualifiers are two people."""

    value: str = field(repr=False)
    format: str | None = None
    name_qualifier: str | None = None
    sp_name_qualifier: str | None = None


@dataclass(frozen=True, slots=True)
class Assertion:
    """Somebody whom the identity provider authenticated.

    usable_until: UTC seconds; until then its `id` must be remembered, so that it counts once.
    session_ends_at: UTC seconds after which the identity provider's session is over, or None.
    attributes: by name, each with its values in order.
    """

    id: str
    usable_until: int
    name_id: NameId
    session_index: str | None = field(repr=False)
    session_ends_at: int | None
    authenticated_at: int
    context: str | None
    attributes: Mapping[str, tuple[str, ...]] = field(repr=False)


def accepted(root: Element, expected: Expected, now: int) -> Assertion:
    """Reads the assertion of a response and checks all that makes it one for us, now, and for this request.

    Raises:
        SamlError: the one reason why not.
    """
    assertion = responses.signed_assertion(root, expected)
    identifier = assertion.get("ID")
    if assertion.get("Version") != "2.0" or not identifier:
        raise SamlError("malformed", "The assertion is not one of SAML 2.0.")
    responses.check_issuer(assertion, expected.them, is_required=True)
    _check_conditions(assertion, expected.us, now)
    subject = _one(assertion, "saml:Subject")
    usable_until = _confirmed(subject, expected, now)
    statement = _authentication(assertion, expected, now)
    context = xml.child(statement, "saml:AuthnContext")
    ends_at = statement.get("SessionNotOnOrAfter")
    return Assertion(
        id=identifier,
        usable_until=usable_until + CLOCK_SKEW_S,
        name_id=_name_id(subject, expected.us),
        session_index=statement.get("SessionIndex"),
        session_ends_at=None if ends_at is None else xml.moment(ends_at),
        authenticated_at=xml.moment(statement.get("AuthnInstant", "")),
        context=None if context is None else xml.child_text(context, "saml:AuthnContextClassRef"),
        attributes=_attributes(assertion, expected.us),
    )


def _check_conditions(assertion: Element, us: ServiceProvider, now: int) -> None:
    conditions = _one(assertion, "saml:Conditions")
    _check_times(conditions, "assertion", now)
    if any(node.tag not in _CONDITIONS for node in conditions):
        raise SamlError("unknown_condition", "The assertion has a condition that is not known here.")
    restrictions = xml.children(conditions, "saml:AudienceRestriction")
    if not restrictions:
        raise SamlError("no_audience", f"The assertion names no audience: it must be {us.entity_id}.")
    for restriction in restrictions:
        audiences = [xml.text(one) for one in xml.children(restriction, "saml:Audience")]
        if us.entity_id not in audiences:
            named = ", ".join(shown(one) for one in audiences[:3]) or "nobody"
            raise SamlError(
                "wrong_audience", f"The assertion was made for another audience: {named}. It must be {us.entity_id}."
            )


def _check_times(element: Element, what: str, now: int) -> None:
    since, until = element.get("NotBefore"), element.get("NotOnOrAfter")
    here = f"and here it is {xml.written_moment(now)}: compare the clocks"
    if since is not None and xml.moment(since) > now + CLOCK_SKEW_S:
        raise SamlError("not_yet_valid", f"The {what} is valid from {shown(since)} on, {here}.")
    if until is not None and xml.moment(until) <= now - CLOCK_SKEW_S:
        raise SamlError("expired", f"The {what} was valid until {shown(until)}, {here}, or sign in again.")


def _confirmed(subject: Element, expected: Expected, now: int) -> int:
    """Finds the confirmation that makes whoever brings the assertion its subject; returns until when it does."""
    bearers = [one for one in xml.children(subject, "saml:SubjectConfirmation") if one.get("Method") == BEARER]
    refusal = SamlError("no_bearer", "The assertion has no bearer confirmation, so nobody can bring it.")
    for bearer in bearers:
        try:
            return _bearer(_one(bearer, "saml:SubjectConfirmationData"), expected, now)
        except SamlError as error:
            refusal = error
    raise refusal


def _bearer(data: Element, expected: Expected, now: int) -> int:
    recipient = data.get("Recipient")
    if recipient != expected.us.acs_url:
        raise SamlError(
            "wrong_recipient",
            f"The assertion was made for another recipient: {shown(recipient or 'nobody')}. It must be "
            f"{expected.us.acs_url}.",
        )
    if data.get("InResponseTo") != expected.request_id:
        raise SamlError("wrong_request", "The assertion answers another request than the response does.")
    until = data.get("NotOnOrAfter")
    if until is None or data.get("NotBefore") is not None:  # SAML V2.0 Profiles §4.1.4.2
        raise SamlError("malformed", "The bearer confirmation must say until when it is valid, and not from when.")
    _check_times(data, "bearer confirmation", now)
    return xml.moment(until)


def _authentication(assertion: Element, expected: Expected, now: int) -> Element:
    statement = _one(assertion, "saml:AuthnStatement")
    at = xml.moment(statement.get("AuthnInstant", ""))
    since = expected.authenticated_since
    if at > now + CLOCK_SKEW_S:
        raise SamlError("not_yet_valid", "The assertion says that somebody was authenticated in the future.")
    if since is not None and at < since - CLOCK_SKEW_S:
        raise SamlError("not_anew", "Somebody was to be authenticated anew, and the identity provider did not.")
    ends_at = statement.get("SessionNotOnOrAfter")
    if ends_at is not None and xml.moment(ends_at) <= now - CLOCK_SKEW_S:
        raise SamlError("expired", "The identity provider's own session is over.")
    return statement


def _name_id(subject: Element, us: ServiceProvider) -> NameId:
    encrypted = xml.child(subject, "saml:EncryptedID")
    element = xml.child(subject, "saml:NameID")
    if encrypted is not None and element is None:
        element = responses.opened(encrypted, us, "saml:NameID", is_vouched_for=True)
    return read_name_id(element)


def read_name_id(element: Element | None) -> NameId:
    """Reads how the identity provider calls somebody.

    Raises:
        SamlError: it does not.
    """
    value = "" if element is None else xml.text(element)
    if element is None or not 1 <= len(value) <= 1024:
        raise SamlError("no_name_id", "The assertion does not say whom it is about: it has no NameID.")
    return NameId(value, element.get("Format"), element.get("NameQualifier"), element.get("SPNameQualifier"))


def _attributes(assertion: Element, us: ServiceProvider) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for statement in xml.children(assertion, "saml:AttributeStatement"):
        attributes = xml.children(statement, "saml:Attribute")
        for encrypted in xml.children(statement, "saml:EncryptedAttribute"):
            attributes.append(responses.opened(encrypted, us, "saml:Attribute", is_vouched_for=True))
        for attribute in attributes:
            name = attribute.get("Name")
            if not name:
                raise SamlError("malformed", "An attribute of the assertion has no name.")
            values = [_value(one) for one in xml.children(attribute, "saml:AttributeValue")]
            found[name] = found.get(name, ()) + tuple(value for value in values if value is not None)
    if sum(len(values) for values in found.values()) > _VALUES_MOST:
        raise SamlError("too_large", f"The assertion has more than {_VALUES_MOST} values of attributes.")
    return found


def _value(element: Element) -> str | None:
    """Returns the text of a value; of one that is a NameID, as eduPersonTargetedID is, that of the NameID."""
    if len(element) == 1 and element[0].tag == xml.name("saml:NameID") and not (element.text or "").strip():
        element = element[0]
    if len(element):
        name = etree.QName(element[0]).localname
        raise SamlError("malformed", f"A value of an attribute has an element {shown(name)} where text is due.")
    return (element.text or "").strip() or None


def _one(parent: Element, prefixed: str) -> Element:
    found = xml.child(parent, prefixed)
    if found is None:
        raise SamlError("malformed", f"The assertion has no {prefixed}.")
    return found
