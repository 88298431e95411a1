"""What an OpenID provider says of itself (OpenID Connect Discovery 1.0)."""

from collections.abc import Sequence
from typing import Final

import msgspec

from rxauth.domain.destinations import Network, require_destination
from rxauth.domain.errors import InvalidError
from rxauth.federation.problems import UpstreamError

_PATH: Final = "/.well-known/openid-configuration"
_ENDPOINTS: Final = (
    "authorization_endpoint",
    "token_endpoint",
    "jwks_uri",
    "userinfo_endpoint",
    "end_session_endpoint",
)


class Metadata(msgspec.Struct, frozen=True):
    """A provider as it describes itself; what is not needed here is left out.

    authorization_response_iss_parameter_supported: its answers name it (RFC 9207 §3).
    """

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    end_session_endpoint: str | None = None
    authorization_response_iss_parameter_supported: bool = False


_DECODER: Final = msgspec.json.Decoder(Metadata)


def url_of(issuer: str) -> str:
    """Returns where a provider describes itself (Discovery §4.1)."""
    return issuer.removesuffix("/") + _PATH


def read(body: bytes, issuer: str, networks: Sequence[Network]) -> Metadata:
    """Reads what was found there; networks: private ones that may be called.

    Raises:
        UpstreamError: it is no description, or one of somebody else, or names URLs that nothing is sent to.
    """
    try:
        said = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        told = str(error) if isinstance(error, msgspec.ValidationError) else "it is not JSON"
        raise UpstreamError("metadata_malformed", f"no provider is described at {url_of(issuer)}: {told}") from None
    if said.issuer != issuer:  # Discovery §4.3
        raise UpstreamError(
            "issuer_differs", f"the provider calls itself {said.issuer[:200]}: enter exactly this as the issuer"
        )
    for name in _ENDPOINTS:
        url = getattr(said, name)
        try:
            if url is not None:
                require_destination(url, networks)
        except InvalidError as error:
            raise UpstreamError("metadata_malformed", f"the provider's {name} cannot be used: {error}") from None
    return said
