"""The grants that the token endpoint accepts."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from rxauth.oauth.grant import Grant, SpendingGrant
from rxauth.oauth.grants import authorization_code, client_credentials, refresh_token

GRANTS: Final[Mapping[str, Grant | SpendingGrant]] = MappingProxyType(
    {grant.name: grant for grant in (client_credentials.GRANT, authorization_code.GRANT, refresh_token.GRANT)}
)

__all__ = ["GRANTS", "Grant", "SpendingGrant"]
