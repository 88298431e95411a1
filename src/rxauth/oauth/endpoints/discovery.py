"""What the server publishes of itself: metadata that advertises only what works, and the key set."""

from typing import Any

from rxauth.oauth.grants import GRANTS
from rxauth.oauth.server import Server
from rxauth.policy.permissions import PERMISSIONS, Machine

TOKEN_PATH = "/oauth/token"  # noqa: S105
KEY_SET_PATH = "/.well-known/jwks.json"


def metadata(server: Server) -> dict[str, Any]:
    """Returns the authorization server's metadata (RFC 8414 §2)."""
    return {
        "issuer": server.issuer,
        "token_endpoint": server.url(TOKEN_PATH),
        "jwks_uri": server.url(KEY_SET_PATH),
        "grant_types_supported": list(GRANTS),
        # Required by the standard; there is no authorization endpoint, so there is none to list.
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "scopes_supported": [permission.name for permission in PERMISSIONS if permission.machine is not Machine.NEVER],
    }


def key_set(server: Server) -> dict[str, Any]:
    """Returns the published keys (RFC 7517 §5)."""
    return {"keys": server.keys.ring.key_set(server.clock.seconds())}
