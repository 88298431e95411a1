"""Logos of organizations: one picture each, named after its content, so that whoever has it may keep it."""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from sqlalchemy import bindparam, delete, select

from rxauth.domain.pictures import MEDIA_TYPES, Picture
from rxauth.storage.database import Transaction
from rxauth.storage.tables.access import organization_logos as table
from rxauth.storage.tables.access import organizations
from rxauth.storage.tenancy import insert_row, sql

_INSERT = insert_row(table)
_REMOVE = sql(delete(table).where(table.c.organization_id == bindparam("organization_id")))
_ONE = sql(
    select(table.c.image)
    .join(organizations, organizations.c.id == table.c.organization_id)
    .where(table.c.organization_id == bindparam("organization_id"), organizations.c.logo == bindparam("name"))
)
PATH: Final = "/branding"
_NAME_CHARACTERS: Final = 16


@dataclass(frozen=True, slots=True)
class Logo:
    """A logo as browsers get it."""

    media_type: str
    content: bytes = field(repr=False)


def name_of(picture: Picture) -> str:
    """Returns the name that a picture has here."""
    return f"{sha256(picture.content).hexdigest()[:_NAME_CHARACTERS]}.{picture.kind}"


def path_of(organization_id: str, name: str) -> str:
    """Returns where browsers get a picture."""
    return f"{PATH}/{organization_id}/{name}"


def media_type_of(name: str) -> str:
    """Returns what browsers are told that a picture of this name is."""
    return MEDIA_TYPES.get(name.rpartition(".")[2], "application/octet-stream")


def put(transaction: Transaction, organization_id: str, picture: Picture | None) -> None:
    """Puts a picture in place of the one before; None leaves none. Whoever calls notes its name."""
    transaction.run(_REMOVE, organization_id=organization_id)
    if picture is not None:
        transaction.run(_INSERT, organization_id=organization_id, image=picture.content)


def find(transaction: Transaction, organization_id: str, name: str) -> Logo | None:
    """Returns the logo of an organization, if it has this name; None: there is no such logo."""
    row = transaction.first(_ONE, organization_id=organization_id, name=name)
    return None if row is None else Logo(media_type_of(name), bytes(row.image))
