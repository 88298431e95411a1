"""What we ask an identity provider: to authenticate somebody (SAML V2.0 Core §3.4.1)."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from rxauth.federation.saml import bindings, xml
from rxauth.federation.saml.bindings import Outgoing
from rxauth.federation.saml.metadata import BINDING_URIS, Binding, IdentityProvider
from rxauth.federation.saml.own_metadata import ServiceProvider


@dataclass(frozen=True, slots=True)
class Wishes:
    """How somebody is to be authenticated.

    is_forced: anew, even if the identity provider knows the browser. contexts: AuthnContextClassRefs of which one is to
    be met exactly, or none: as the identity provider sees fit. name_id_format: None leaves it to the identity provider.
    """

    is_forced: bool = False
    contexts: Sequence[str] = ()
    name_id_format: str | None = None


def new_message_id() -> str:
    """Returns an identifier of a message: 128 random bits or more, and no digit first (SAML V2.0 Core §1.3.4)."""
    return f"_{secrets.token_hex(20)}"


def sign_on_place(provider: IdentityProvider) -> tuple[Binding, str]:
    """Returns where requests go: the redirect binding, which needs no script, if the identity provider has it."""
    binding: Binding = "redirect" if "redirect" in provider.sign_on_urls else "post"
    return binding, provider.sign_on_urls[binding]


def authentication_request(
    us: ServiceProvider, them: IdentityProvider, wishes: Wishes, now: int, *, request_id: str, relay_state: str
) -> Outgoing:
    """Makes a signed AuthnRequest.

    request_id: kept, and compared with the InResponseTo of the answer. relay_state: comes back with it, and must say
    nothing to anybody but us: at most 80 octets (SAML V2.0 Bindings §3.4.3).
    """
    place = sign_on_place(them)
    attributes = {
        "ID": request_id,
        "Version": "2.0",
        "IssueInstant": xml.written_moment(now),
        "Destination": place[1],
        "ProtocolBinding": BINDING_URIS["post"],
        "AssertionConsumerServiceURL": us.acs_url,
    }
    root = xml.element("samlp:AuthnRequest", attributes | ({"ForceAuthn": "true"} if wishes.is_forced else {}))
    xml.add(root, "saml:Issuer", content=us.entity_id)
    policy = {"AllowCreate": "true"} | ({"Format": wishes.name_id_format} if wishes.name_id_format else {})
    xml.add(root, "samlp:NameIDPolicy", policy)
    if wishes.contexts:
        requested = xml.add(root, "samlp:RequestedAuthnContext", {"Comparison": "exact"})
        for context in wishes.contexts:
            xml.add(requested, "saml:AuthnContextClassRef", content=context)
    return bindings.outgoing(root, "SAMLRequest", place, relay_state, us.key)
