"""The grants that the token endpoint accepts."""

from types import MappingProxyType
from typing import Final

from rxauth.oauth.grant import Grant
from rxauth.oauth.grants import client_credentials

GRANTS: Final = MappingProxyType({grant.name: grant for grant in (client_credentials.GRANT,)})

__all__ = ["GRANTS", "Grant"]
