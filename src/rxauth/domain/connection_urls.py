"""Where an identity provider reaches this server: it follows from the name of a connection, known beforehand."""

from dataclasses import dataclass
from typing import Final

# Of routes; {name} is a connection's. An answer to one connection never arrives at another's (RFC 9700 §4.4.2).
START: Final = "/sso/{name}"
CALLBACK: Final = "/sso/{name}/callback"
BACKCHANNEL_LOGOUT: Final = "/sso/{name}/backchannel-logout"
SIGNED_OUT: Final = "/sso/{name}/signed-out"
METADATA: Final = "/sso/{name}/metadata"
ASSERTION_CONSUMER: Final = "/sso/{name}/acs"
SINGLE_LOGOUT: Final = "/sso/{name}/slo"


@dataclass(frozen=True, slots=True)
class ConnectionUrls:
    """What to enter at the provider of a connection.

    callback, backchannel_logout and signed_out are OpenID Connect's, the rest SAML's; at entity_id are the metadata.
    """

    callback: str
    backchannel_logout: str
    entity_id: str
    assertion_consumer: str
    single_logout: str
    signed_out: str


def urls_of(issuer: str, name: str) -> ConnectionUrls:
    """Returns the URLs of a connection. issuer: the public URL of this server."""
    base = issuer.rstrip("/")
    paths = (CALLBACK, BACKCHANNEL_LOGOUT, METADATA, ASSERTION_CONSUMER, SINGLE_LOGOUT, SIGNED_OUT)
    return ConnectionUrls(*(base + path.replace("{name}", name) for path in paths))
