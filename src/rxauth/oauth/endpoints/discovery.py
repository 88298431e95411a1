"""What the server publishes of itself: metadata that advertises only what works, and the key set."""

from typing import Any, Final

from rxauth.oauth.authorization_request import PROMPTS, RESPONSE_MODES
from rxauth.oauth.grants import GRANTS
from rxauth.oauth.person_tokens import USERINFO_PATH
from rxauth.oauth.scopes import IDENTITY
from rxauth.oauth.server import Server
from rxauth.policy.assurance import AAL1, AAL2
from rxauth.policy.permissions import PERMISSIONS

AUTHORIZE_PATH: Final = "/authorize"
TOKEN_PATH: Final = "/oauth/token"  # noqa: S105
REVOKE_PATH: Final = "/oauth/revoke"
INTROSPECT_PATH: Final = "/oauth/introspect"
END_SESSION_PATH: Final = "/oidc/logout"
KEY_SET_PATH: Final = "/.well-known/jwks.json"
_BY_SECRET: Final = ("client_secret_basic", "client_secret_post")
_CLAIMS: Final = (
    *("iss", "sub", "aud", "azp", "exp", "iat", "nonce", "auth_time", "acr", "amr", "sid", "at_hash"),
    *("org_id", "org_name"),
    *("name", "given_name", "middle_name", "family_name", "nickname", "email", "email_verified"),
)


def metadata(server: Server) -> dict[str, Any]:
    """Returns the server's metadata (RFC 8414 §2, OpenID Connect Discovery §3)."""
    return {
        "issuer": server.issuer,
        "authorization_endpoint": server.url(AUTHORIZE_PATH),
        "token_endpoint": server.url(TOKEN_PATH),
        "userinfo_endpoint": server.url(USERINFO_PATH),
        "revocation_endpoint": server.url(REVOKE_PATH),
        "introspection_endpoint": server.url(INTROSPECT_PATH),
        "end_session_endpoint": server.url(END_SESSION_PATH),
        "jwks_uri": server.url(KEY_SET_PATH),
        "grant_types_supported": list(GRANTS),
        "response_types_supported": ["code"],
        "response_modes_supported": list(RESPONSE_MODES),
        "prompt_values_supported": list(PROMPTS),
        "acr_values_supported": [AAL1, AAL2],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "claims_parameter_supported": False,
        "token_endpoint_auth_methods_supported": [*_BY_SECRET, "none"],
        "revocation_endpoint_auth_methods_supported": [*_BY_SECRET, "none"],
        "introspection_endpoint_auth_methods_supported": list(_BY_SECRET),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": [*IDENTITY, *(one.name for one in PERMISSIONS)],
        "claims_supported": list(_CLAIMS),
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
    }


def key_set(server: Server) -> dict[str, Any]:
    """Returns the published keys (RFC 7517 §5)."""
    return {"keys": server.keys.ring.key_set(server.clock.seconds())}
