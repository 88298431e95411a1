"""The endpoints: every path below the base URL, with what each method does there (RFC 7644 §3.2)."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from rxauth.scim import discovery, groups, listing, users
from rxauth.scim.errors import UnsupportedError
from rxauth.scim.requests import Asked, Desk, Given
from rxauth.storage.database import Transaction

Work = Callable[[Transaction, Desk, Asked], Given]
SEARCH: Final = "/.search"


def _unsupported(_transaction: Transaction, _desk: Desk, _asked: Asked) -> Given:
    raise UnsupportedError("This server has no bulk operations and no /Me: /ServiceProviderConfig says what it has.")


_UNSUPPORTED: Final = dict.fromkeys(("GET", "POST", "PUT", "PATCH", "DELETE"), _unsupported)
ENDPOINTS: Final[Mapping[str, Mapping[str, Work]]] = MappingProxyType(
    {
        "/Users": {"GET": listing.of_users, "POST": users.create},
        f"/Users{SEARCH}": {"POST": listing.search_users},
        "/Users/{id}": {"GET": users.show, "PUT": users.replace, "PATCH": users.patch, "DELETE": users.delete},
        "/Groups": {"GET": listing.of_groups, "POST": groups.create},
        f"/Groups{SEARCH}": {"POST": listing.search_groups},
        "/Groups/{id}": {"GET": groups.show, "PUT": groups.replace, "PATCH": groups.patch, "DELETE": groups.delete},
        SEARCH: {"POST": listing.search},
        "/ServiceProviderConfig": {"GET": lambda _, desk, __: Given(200, discovery.configuration(desk.base_url))},
        "/ResourceTypes": {"GET": lambda _, desk, __: Given(200, discovery.resource_types(desk.base_url))},
        "/ResourceTypes/{id}": {
            "GET": lambda _, desk, asked: Given(200, discovery.resource_type(desk.base_url, asked.id))
        },
        "/Schemas": {"GET": lambda _, desk, __: Given(200, discovery.schemas(desk.base_url))},
        "/Schemas/{id}": {"GET": lambda _, desk, asked: Given(200, discovery.schema(desk.base_url, asked.id))},
        "/Bulk": _UNSUPPORTED,
        "/Me": _UNSUPPORTED,
    }
)


def is_reading(path: str, method: str) -> bool:
    """Tells whether a request changes nothing."""
    return method == "GET" or path.endswith(SEARCH)
