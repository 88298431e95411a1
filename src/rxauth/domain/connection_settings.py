"""What a connection needs to know of an identity provider, and what its claims mean here; kept as JSON."""

from enum import StrEnum
from typing import Final

import msgspec


class Joining(StrEnum):
    """Who may come through a connection: whoever the provider vouches for, or members and invited people only."""

    JUST_IN_TIME = "just_in_time"
    INVITE_ONLY = "invite_only"


class ClientAuthentication(StrEnum):
    """How this server proves itself at the provider's token endpoint (OpenID Connect Core §9)."""

    SECRET_BASIC = "client_secret_basic"  # noqa: S105
    SECRET_POST = "client_secret_post"  # noqa: S105
    PRIVATE_KEY_JWT = "private_key_jwt"


class OpenIdSettings(msgspec.Struct, frozen=True, tag="openid_connect"):
    """An OpenID provider. issuer: where its metadata are; client_id: who this server is to it."""

    issuer: str
    client_id: str
    authentication: ClientAuthentication
    scopes: tuple[str, ...] = ("openid", "email", "profile")


class SamlSettings(msgspec.Struct, frozen=True, tag="saml"):
    """A SAML 2.0 identity provider, as its metadata describe it.

    certificates: those that it signs with, as DER in base64; more than one while they change. sso_binding, slo_binding:
    redirect or post. slo_url None: it has no single logout. slo_answer_url: where answers to its logout requests go;
    None: to slo_url. idp_initiated: whether people may begin at the provider.
    """

    entity_id: str
    sso_url: str
    sso_binding: str
    certificates: tuple[str, ...]
    slo_url: str | None = None
    idp_initiated: bool = False
    slo_binding: str = "redirect"
    slo_answer_url: str | None = None


class Mapping(msgspec.Struct, frozen=True):
    """Which claim says what of a person.

    groups None: none is read. second_factor: values of amr or acr that stand for a second factor; none: it is asked for
    here where it is wanted.
    """

    email: str = "email"
    first_name: str = "given_name"
    last_name: str = "family_name"
    groups: str | None = None
    second_factor: tuple[str, ...] = ()


Settings = OpenIdSettings | SamlSettings
OPENID_CONNECT: Final = "openid_connect"
SAML: Final = "saml"


def kind_of(settings: Settings) -> str:
    """Returns the kind of connection that has these settings."""
    return OPENID_CONNECT if isinstance(settings, OpenIdSettings) else SAML
