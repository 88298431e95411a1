"""The resolvers of the management contract, one file per noun, and the table that binds them."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from rxauth.api.management import audit
from rxauth.api.schema import Resolver

RESOLVERS: Final[Mapping[str, Mapping[str, Resolver]]] = MappingProxyType(
    {
        "Query": {"auditEntries": audit.search},
        "AuditEntry": {"at": audit.at_ms, "details": audit.details},
    }
)
INPUTS: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType({})
