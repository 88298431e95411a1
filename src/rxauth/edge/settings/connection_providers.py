"""The identity providers that the pages know by name: what each asks for, and what it calls its own things."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

from rxauth.edge.settings.fields import Fields

_NONE: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider. issuer: from the fields of its form; its_field: which of them the issuer follows from.

    claims: where its are called otherwise than OpenID Connect calls them. scopes None: the usual ones.
    """

    key: str
    title: str
    issuer: Callable[[Fields], str]
    its_field: str = "issuer"
    claims: Mapping[str, Any] = field(default_factory=lambda: _NONE)
    scopes: tuple[str, ...] | None = None


def _of_entra(fields: Fields) -> str:
    return f"https://login.microsoftonline.com/{fields.text('tenant')}/v2.0"


def _of_okta(fields: Fields) -> str:
    host = fields.text("okta_domain").removeprefix("https://").rstrip("/")
    return f"https://{host.replace('-admin.okta', '.okta', 1)}"


# Entra sends no `email_verified`; who has which sign-in name is the tenant's own to say.
ENTRA: Final = Provider("entra", "Entra ID", _of_entra, "tenant", {"email": "preferred_username", "groups": "groups"})
GOOGLE: Final = Provider("google", "Google Workspace", lambda _fields: "https://accounts.google.com")
OKTA: Final = Provider(
    "okta", "Okta", _of_okta, "okta_domain", {"groups": "groups"}, ("openid", "email", "profile", "groups")
)
OTHER: Final = Provider("openid", "Another OpenID provider", lambda fields: fields.text("issuer"))
OPEN_ID: Final = (ENTRA, GOOGLE, OKTA, OTHER)


def of(issuer: str) -> Provider:
    """Returns the provider of an issuer."""
    host = urlsplit(issuer).hostname or issuer
    if host == "login.microsoftonline.com":
        return ENTRA
    if host == "accounts.google.com":
        return GOOGLE
    return OKTA if host.endswith((".okta.com", ".oktapreview.com")) else OTHER


def title_of(issuer: str) -> str:
    """Returns what people call the provider of an issuer."""
    found = of(issuer)
    return urlsplit(issuer).hostname or issuer if found is OTHER else found.title
