"""What a connection's settings must be like, before anybody is asked at the provider."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from rxauth.domain.connection_settings import ClientAuthentication, Mapping, OpenIdSettings, SamlSettings, Settings
from rxauth.domain.destinations import Network, require_destination
from rxauth.domain.errors import InvalidError
from rxauth.domain.names import require_text

VALUES_LIMIT: Final = 20
TEXT_LIMIT_CHARACTERS: Final = 256
CERTIFICATES_LIMIT: Final = 10
SECRET_LIMIT_CHARACTERS: Final = 1_000
_SCOPE: Final = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,100}")  # RFC 6749 §3.3
_METADATA: Final = "/.well-known/openid-configuration"


def require_settings(settings: Settings, networks: Sequence[Network], *, has_secret: bool) -> None:
    """Checks what somebody says of a provider. networks: the private ones that this server may call.

    Raises:
        InvalidError: naming what it could not be.
    """
    if isinstance(settings, SamlSettings):
        _require_saml(settings)
    else:
        _require_open_id(settings, networks, has_secret=has_secret)


def require_mapping(mapping: Mapping) -> None:
    """Checks which claims are to be read.

    Raises:
        InvalidError: naming the one that has no name.
    """
    for where, value in (
        ("claims.email", mapping.email),
        ("claims.firstName", mapping.first_name),
        ("claims.lastName", mapping.last_name),
        ("claims.groups", mapping.groups),
    ):
        require_text(value, where, TEXT_LIMIT_CHARACTERS)
    if len(mapping.second_factor) > VALUES_LIMIT:
        raise InvalidError(f"at most {VALUES_LIMIT} values stand for a second factor", "claims.secondFactor")
    for place, value in enumerate(mapping.second_factor):
        require_text(value, f"claims.secondFactor[{place}]", TEXT_LIMIT_CHARACTERS)


def require_secret(secret: str | None) -> None:
    """Checks a secret that a provider made; None: there is none.

    Raises:
        InvalidError: it is none.
    """
    if secret is not None and (not secret.isprintable() or not 1 <= len(secret) <= SECRET_LIMIT_CHARACTERS):
        raise InvalidError(f"secret: 1 to {SECRET_LIMIT_CHARACTERS} characters, as the provider shows it", "secret")


def _require_open_id(one: OpenIdSettings, networks: Sequence[Network], *, has_secret: bool) -> None:
    _require_url(one.issuer, networks, "issuer", "the issuer")
    if one.issuer.endswith(_METADATA) or "?" in one.issuer:
        raise InvalidError(f"the issuer is written without {_METADATA} and without a query", "issuer")
    require_text(one.client_id, "clientId", TEXT_LIMIT_CHARACTERS)
    if one.authentication is not ClientAuthentication.PRIVATE_KEY_JWT and not has_secret:
        raise InvalidError("a secret is needed, unless this server proves itself with a key", "secret")
    _require_scopes(one.scopes)


def _require_scopes(scopes: Iterable[str]) -> None:
    named = list(scopes)
    if "openid" not in named:
        raise InvalidError("scopes have openid among them: without it the provider says nothing of who it is", "scopes")
    if len(named) > VALUES_LIMIT or any(_SCOPE.fullmatch(one) is None for one in named):
        raise InvalidError(f"scopes: at most {VALUES_LIMIT} words as the provider names them", "scopes")


def _require_saml(one: SamlSettings) -> None:
    if len(one.certificates) > CERTIFICATES_LIMIT:
        raise InvalidError(f"a connection has at most {CERTIFICATES_LIMIT} certificates: remove one", "certificate")
    if not one.certificates:
        raise InvalidError("a connection has at least one certificate: add the new one first", "fingerprint")


def _require_url(url: str, networks: Sequence[Network], where: str, what: str) -> None:
    try:
        require_destination(url, networks)
    except InvalidError as error:
        problem = str(error).removeprefix("url ")
        raise InvalidError(f"{what} {problem}", where) from None
