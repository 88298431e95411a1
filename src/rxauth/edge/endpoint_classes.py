"""What figures and traces call an endpoint: a few names for all the pages there are."""

from typing import Final

from rxauth.edge import pharmacy_reports, readiness
from rxauth.edge.addresses import ACCOUNT_PATH, AUTHORIZE_PATH, SETTINGS_PATH, SIGN_IN_PATH
from rxauth.edge.pages import STATIC_PATH
from rxauth.oauth.endpoints.discovery import INTROSPECT_PATH, KEY_SET_PATH, REVOKE_PATH, TOKEN_PATH
from rxauth.oauth.person_tokens import USERINFO_PATH

CLIENT_GONE: Final = 499  # a status in figures alone: there was nobody left to answer
NONE: Final = "none"  # no such path
_ALONE: Final = {
    TOKEN_PATH: "token",
    "/graphql": "graphql",
    REVOKE_PATH: "revoke",
    INTROSPECT_PATH: "introspect",
    USERINFO_PATH: "userinfo",
    AUTHORIZE_PATH: "authorize",
    KEY_SET_PATH: "key_set",
    pharmacy_reports.PATH: "pharmacy_reports",
    readiness.PATH: "readiness",
    readiness.LIVE_PATH: "liveness",
    STATIC_PATH: "static",
}
_TOGETHER: Final = (
    (SIGN_IN_PATH, "sign_in"),
    ("/sso/", "sso"),
    (ACCOUNT_PATH, "account"),
    (SETTINGS_PATH, "settings"),
    ("/admin", "console"),
    ("/scim/", "scim"),
    ("/.well-known/", "metadata"),
)


def class_of(path: str) -> str:
    """Returns the name for a path of the URL table."""
    return _ALONE.get(path) or next((name for start, name in _TOGETHER if path.startswith(start)), "pages")
