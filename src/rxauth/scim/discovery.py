"""What the server says of itself: what it can do, its kinds of resources, and their schemas (RFC 7644 §4)."""

from collections.abc import Mapping
from typing import Any, Final

from rxauth.scim.attributes import Attribute, ResourceKind, Schema
from rxauth.scim.errors import NotFoundError
from rxauth.scim.paging import DEFAULT_COUNT, MOST
from rxauth.scim.schemas import CORE, KINDS
from rxauth.scim.showing import listed

_CONFIGURATION: Final = f"{CORE}:ServiceProviderConfig"
_TYPE: Final = f"{CORE}:ResourceType"
_SCHEMA: Final = f"{CORE}:Schema"


def _told(*names: str, **kinds: str) -> tuple[Attribute, ...]:
    """Returns attributes that only the server writes."""
    every = {**dict.fromkeys(names, "string"), **kinds}
    return tuple(Attribute(name, kind, mutability="readOnly") for name, kind in every.items())


def _complex(name: str, *subs: Attribute, multi: bool = False) -> Attribute:
    return Attribute(name, "complex", multi=multi, mutability="readOnly", subs=subs)


_SUPPORTED: Final = _told(supported="boolean")
_OF_ATTRIBUTE: Final = (
    *_told("name", "type", "description", "mutability", "returned", "uniqueness"),
    *_told(multiValued="boolean", required="boolean", caseExact="boolean"),
    Attribute("canonicalValues", multi=True, mutability="readOnly"),
    Attribute("referenceTypes", multi=True, mutability="readOnly"),
)
# Those of the documents on this page, which are served too.
_OWN: Final = (
    Schema(
        _CONFIGURATION,
        "ServiceProviderConfig",
        "What this server can do",
        (
            *_told(documentationUri="reference"),
            _complex("patch", *_SUPPORTED),
            _complex("bulk", *_SUPPORTED, *_told(maxOperations="integer", maxPayloadSize="integer")),
            _complex("filter", *_SUPPORTED, *_told(maxResults="integer")),
            _complex("changePassword", *_SUPPORTED),
            _complex("sort", *_SUPPORTED),
            _complex("etag", *_SUPPORTED),
            _complex(
                "pagination",
                *_told("defaultPaginationMethod", cursor="boolean", index="boolean"),
                *_told(defaultPageSize="integer", maxPageSize="integer", cursorTimeout="integer"),
            ),
            _complex("authenticationSchemes", *_told("type", "name", "description", primary="boolean"), multi=True),
        ),
    ),
    Schema(
        _TYPE,
        "ResourceType",
        "A kind of resource that this server has",
        (
            *_told("id", "name", "description", endpoint="reference", schema="reference"),
            _complex("schemaExtensions", *_told(schema="reference", required="boolean"), multi=True),
        ),
    ),
    Schema(
        _SCHEMA,
        "Schema",
        "What the attributes of a kind of resource are",
        (
            *_told("id", "name", "description"),
            _complex("attributes", *_OF_ATTRIBUTE, _complex("subAttributes", *_OF_ATTRIBUTE, multi=True), multi=True),
        ),
    ),
)
_SCHEMAS: Final[Mapping[str, Schema]] = {
    one.urn: one for one in (*(schema for kind in KINDS for schema in kind.schemas()), *_OWN)
}


def configuration(base_url: str) -> dict[str, Any]:
    """Returns what the server can do (RFC 7643 §5, RFC 9865 §4)."""
    return {
        "schemas": [_CONFIGURATION],
        "patch": {"supported": True},
        "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": True, "maxResults": MOST},
        "changePassword": {"supported": False},
        "sort": {"supported": False},
        "etag": {"supported": True},
        "pagination": {
            "cursor": True,
            "index": True,
            "defaultPaginationMethod": "index",
            "defaultPageSize": DEFAULT_COUNT,
            "maxPageSize": MOST,
        },
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "Bearer token",
                "description": "A token that an administrator of the organization made",
                "primary": True,
            }
        ],
        "meta": {"resourceType": "ServiceProviderConfig", "location": f"{base_url}/ServiceProviderConfig"},
    }


def resource_types(base_url: str) -> dict[str, Any]:
    """Returns the kinds of resources (RFC 7643 §6)."""
    return listed([_resource_type(base_url, kind) for kind in KINDS], len(KINDS), startIndex=1)


def resource_type(base_url: str, name: str) -> dict[str, Any]:
    """Returns one kind of resource.

    Raises:
        NotFoundError: there is none of this name.
    """
    found = next((kind for kind in KINDS if kind.name == name), None)
    if found is None:
        raise NotFoundError("resource type")
    return _resource_type(base_url, found)


def schemas(base_url: str) -> dict[str, Any]:
    """Returns every schema (RFC 7643 §7)."""
    return listed([_schema(base_url, one) for one in _SCHEMAS.values()], len(_SCHEMAS), startIndex=1)


def schema(base_url: str, urn: str) -> dict[str, Any]:
    """Returns one schema.

    Raises:
        NotFoundError: there is none with this URN.
    """
    if urn not in _SCHEMAS:
        raise NotFoundError("schema")
    return _schema(base_url, _SCHEMAS[urn])


def _resource_type(base_url: str, kind: ResourceKind) -> dict[str, Any]:
    return {
        "schemas": [_TYPE],
        "id": kind.name,
        "name": kind.name,
        "description": kind.schema.description,
        "endpoint": kind.endpoint,
        "schema": kind.schema.urn,
        "schemaExtensions": [{"schema": one.urn, "required": False} for one in kind.extensions],
        "meta": {"resourceType": "ResourceType", "location": f"{base_url}/ResourceTypes/{kind.name}"},
    }


def _schema(base_url: str, one: Schema) -> dict[str, Any]:
    return {
        "schemas": [_SCHEMA],
        "id": one.urn,
        "name": one.name,
        "description": one.description,
        "attributes": [attribute.described() for attribute in one.attributes],
        "meta": {"resourceType": "Schema", "location": f"{base_url}/Schemas/{one.urn}"},
    }
