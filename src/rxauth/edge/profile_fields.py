"""What the form of a profile has: a person's names, numbers and address as texts, and what was changed of them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec
from graphql import GraphQLError

from rxauth.api.scalars import SCALARS
from rxauth.domain.errors import InvalidError
from rxauth.domain.names import Address, Name
from rxauth.domain.users import User

NAMES: Final = ("title", "first_name", "middle_name", "last_name")
ADDRESS: Final = ("street1", "street2", "city", "state", "postal_code", "country")
OTHERS: Final = ("phone", "fax", "npi")
# The field of the form where it is not the last of the names of the refused value, in snake case.
PLACES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "name.title": "title",
        "name.first": "first_name",
        "name.middle": "middle_name",
        "name.last": "last_name",
        "address.postalCode": "postal_code",
    }
)


def shown(user: User) -> dict[str, str]:
    """Returns what the form shows of a person."""
    name, address = user.name, user.address
    texts: dict[str, str | None] = {
        "title": name.title,
        "first_name": name.first,
        "middle_name": name.middle,
        "last_name": name.last,
        **{one: getattr(user, one) for one in OTHERS},
        **{one: None if address is None else getattr(address, one) for one in ADDRESS},
    }
    return {one: text or "" for one, text in texts.items()}


def changes(user: User, fields: Mapping[str, str]) -> dict[str, Any]:
    """Returns what was changed in the form, as `users.change_profile` takes it; an empty field takes away.

    Raises:
        InvalidError: a telephone number is none.
    """
    typed = {name: fields.get(name, "").strip() for name in (*NAMES, *OTHERS, *ADDRESS)}
    changed = {name for name, text in typed.items() if text != fields.get(f"was_{name}", "").strip()}
    found: dict[str, Any] = {}
    if not changed.isdisjoint(NAMES):
        title, first, middle, last = (typed[name] for name in NAMES)
        found["name"] = Name(first, last, title or None, middle or None)
    for name in ("phone", "fax"):
        if name in changed:
            found[name] = _phone(name, typed[name])
    if "npi" in changed:
        found["npi"] = typed["npi"] or None
    if not changed.isdisjoint(ADDRESS):
        found["address"] = _address(user.address, typed)
    return found


def place(field: str | None) -> str | None:
    """Returns the field of the form that has a refused value."""
    return None if field is None else PLACES.get(field, field.rpartition(".")[2])


def _phone(name: str, text: str) -> str | None:
    if not text:
        return None
    try:
        return str(SCALARS["AWSPhone"].coerce_input_value(text))
    except GraphQLError as error:
        raise InvalidError(error.message, name) from None


def _address(before: Address | None, typed: Mapping[str, str]) -> Address | None:
    if not any(typed[name] for name in ADDRESS if name != "country"):
        return None
    lines: dict[str, Any] = {name: typed[name] for name in ADDRESS} | {"street2": typed["street2"] or None}
    return Address(id=None, **lines) if before is None else msgspec.structs.replace(before, **lines)
