"""What binds people.graphql: the resolvers of users, roles, invites and members, and what its inputs become."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from rxauth.api.management import roles, users
from rxauth.api.schema import Resolver

RESOLVERS: Final[Mapping[str, Mapping[str, Resolver]]] = MappingProxyType(
    {
        "Query": {"me": users.me, "roles": roles.search, "users": users.search},
        "Role": {
            "name": roles.name,
            "description": roles.description,
            "permissions": roles.permissions,
            "refusal": roles.refusal,
        },
        "User": {
            "externalId": users.external_id,
            "roles": users.roles,
            "verificationStatus": users.verification_status,
        },
    }
)
INPUTS: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType({})
