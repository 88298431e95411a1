"""Single logout, asked and answered both ways (SAML V2.0 Core §3.7, Profiles §4.4)."""

from dataclasses import dataclass, field
from typing import Final

from rxauth.crypto import xml_signatures
from rxauth.crypto.xml_signatures import BadXmlSignatureError
from rxauth.federation.saml import assertions, bindings, responses, xml
from rxauth.federation.saml.assertions import CLOCK_SKEW_S, NameId
from rxauth.federation.saml.bindings import Incoming, Outgoing
from rxauth.federation.saml.errors import SamlError
from rxauth.federation.saml.metadata import Binding, IdentityProvider
from rxauth.federation.saml.own_metadata import ServiceProvider
from rxauth.federation.saml.requests import new_message_id
from rxauth.federation.saml.xml import Element

_REASON: Final = "urn:oasis:names:tc:SAML:2.0:logout:user"
_FRESH_S: Final = 300


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """Whose sessions the identity provider ends. session_indexes: which of them; none: all."""

    id: str
    name_id: NameId
    session_indexes: tuple[str, ...] = field(repr=False)
    relay_state: str | None = field(repr=False)


def read_request(incoming: Incoming, us: ServiceProvider, them: IdentityProvider, now: int) -> LogoutRequest:
    """Reads a logout request, which must be signed.

    Raises:
        SamlError: the reason why it is not accepted.
    """
    root = _trusted(incoming, "samlp:LogoutRequest", us, them)
    identifier = root.get("ID")
    if not identifier:
        raise SamlError("malformed", "The logout request has no ID.")
    issued_at = xml.moment(root.get("IssueInstant", ""))
    until = root.get("NotOnOrAfter")
    ends_at = issued_at + _FRESH_S if until is None else xml.moment(until)
    if not issued_at - CLOCK_SKEW_S <= now < ends_at + CLOCK_SKEW_S:
        raise SamlError("expired", "The logout request is too old, or from the future: compare the clocks.")
    encrypted, element = xml.child(root, "saml:EncryptedID"), xml.child(root, "saml:NameID")
    if encrypted is not None and element is None:
        element = responses.opened(encrypted, us, "saml:NameID", is_vouched_for=True)
    indexes = tuple(xml.text(one) for one in xml.children(root, "samlp:SessionIndex"))
    return LogoutRequest(identifier, assertions.read_name_id(element), indexes, incoming.relay_state)


def read_response(incoming: Incoming, us: ServiceProvider, them: IdentityProvider, request_id: str) -> None:
    """Reads the answer to our logout request, which must be signed.

    Raises:
        SamlError: the reason why it is not accepted, or that the identity provider did not sign out.
    """
    root = _trusted(incoming, "samlp:LogoutResponse", us, them)
    if root.get("InResponseTo") != request_id:
        raise SamlError("wrong_request", "The logout response answers another request.")
    responses.check_status(root)


def request(
    us: ServiceProvider,
    them: IdentityProvider,
    now: int,
    *,
    request_id: str,
    name_id: NameId,
    session_index: str | None,
    relay_state: str,
) -> Outgoing | None:
    """Asks the identity provider to end somebody's session. None: it has no logout."""
    place = _place(them, answers=False)
    if place is None:
        return None
    root = _message("samlp:LogoutRequest", request_id, place[1], us, now)
    root.set("NotOnOrAfter", xml.written_moment(now + _FRESH_S))
    root.set("Reason", _REASON)
    qualifiers = {
        "Format": name_id.format,
        "NameQualifier": name_id.name_qualifier,
        "SPNameQualifier": name_id.sp_name_qualifier,
    }
    present = {name: value for name, value in qualifiers.items() if value is not None}
    xml.add(root, "saml:NameID", present, name_id.value)
    if session_index is not None:
        xml.add(root, "samlp:SessionIndex", content=session_index)
    return bindings.outgoing(root, "SAMLRequest", place, relay_state, us.key)


def answer(asked: LogoutRequest, us: ServiceProvider, them: IdentityProvider, now: int) -> Outgoing | None:
    """Tells the identity provider that the sessions are over. None: it has no place where it would hear it."""
    place = _place(them, answers=True)
    if place is None:
        return None
    root = _message("samlp:LogoutResponse", new_message_id(), place[1], us, now)
    root.set("InResponseTo", asked.id)
    status = xml.add(root, "samlp:Status")
    xml.add(status, "samlp:StatusCode", {"Value": responses.SUCCESS})
    return bindings.outgoing(root, "SAMLResponse", place, asked.relay_state, us.key)


def _trusted(incoming: Incoming, prefixed: str, us: ServiceProvider, them: IdentityProvider) -> Element:
    root = incoming.root
    if root.tag != xml.name(prefixed) or root.get("Version") != "2.0":
        raise SamlError("not_logout", "What arrived is not the logout message that belongs here.")
    if not incoming.is_signed:
        try:
            root = xml_signatures.verified(root, them.certificates)
        except BadXmlSignatureError as error:
            raise SamlError("bad_signature", f"The logout message is not accepted: {error}.") from None
    responses.check_issuer(root, them, is_required=True)
    responses.check_destination(root, us.logout_url, is_signed=True)
    return root


def _message(prefixed: str, identifier: str, destination: str, us: ServiceProvider, now: int) -> Element:
    attributes = {
        "ID": identifier,
        "Version": "2.0",
        "IssueInstant": xml.written_moment(now),
        "Destination": destination,
    }
    root = xml.element(prefixed, attributes)
    xml.add(root, "saml:Issuer", content=us.entity_id)
    return root


def _place(them: IdentityProvider, *, answers: bool) -> tuple[Binding, str] | None:
    urls = {**them.logout_urls, **them.logout_answers} if answers else them.logout_urls
    for binding in ("redirect", "post"):
        if binding in urls:
            return binding, urls[binding]
    return None
