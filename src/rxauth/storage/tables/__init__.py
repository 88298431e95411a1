"""The tables, one module an area; importing this package makes the metadata whole."""

from rxauth.storage.tables import (
    access,
    access_log,
    audit,
    catalog,
    catalogs,
    clinical,
    idempotency,
    installation,
    network,
    nppes,
    operators,
    people,
    providers,
    request_counts,
    sign_in,
    tallies,
    webhooks,
)
from rxauth.storage.tables.metadata import metadata

__all__ = [
    "access",
    "access_log",
    "audit",
    "catalog",
    "catalogs",
    "clinical",
    "idempotency",
    "installation",
    "metadata",
    "network",
    "nppes",
    "operators",
    "people",
    "providers",
    "request_counts",
    "sign_in",
    "tallies",
    "webhooks",
]
