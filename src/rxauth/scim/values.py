"""What clients send, as it is kept: what the schemas have, under their names and of their kinds, and nothing else."""

import re
from typing import Any, Final

from rxauth.scim.attributes import READ_ONLY, Attribute, ResourceKind
from rxauth.scim.errors import InvalidSyntaxError, InvalidValueError

TEXT_LIMIT_CHARACTERS: Final = 2_000
# Of what resources are looked up by: an index takes no longer ones.
KEY_LIMIT_CHARACTERS: Final = 256
VALUES_LIMIT: Final = 100
_KEYS: Final = frozenset({"userName", "externalId", "displayName"})
_UNBOUNDED: Final = frozenset({"members"})  # by the size of a request alone
_BOOLEANS: Final = {"true": True, "false": False}
_NOT_TEXT: Final = re.compile("[\x00\ud800-\udfff]")


def resource(kind: ResourceKind, sent: Any) -> dict[str, Any]:
    """Returns a whole resource as it is kept, without what only the server says.

    Raises:
        InvalidSyntaxError: it is no object, or of another schema. InvalidValueError: a value is none.
    """
    if not isinstance(sent, dict):
        raise InvalidSyntaxError("The body is a JSON object.")
    schemas = sent.get("schemas")
    if schemas is not None and (
        not isinstance(schemas, list) or kind.schema.urn.lower() not in {str(one).lower() for one in schemas}
    ):
        raise InvalidSyntaxError(f"schemas has {kind.schema.urn} among its texts.")
    kept: dict[str, Any] = {}
    for name, value in sent.items():
        attribute = kind.by_key.get(name.lower())
        extension = kind.extension_by_key.get(name.lower())
        if attribute is not None and attribute.mutability != READ_ONLY:
            _keep(kept, attribute, value)
        elif extension is not None and isinstance(value, dict):
            held: dict[str, Any] = {}
            for inner, one in value.items():
                found = extension.by_key.get(inner.lower())
                if found is not None and found.mutability != READ_ONLY:
                    _keep(held, found, one)
            if held:
                kept[extension.urn] = held
    require(kind, kept)
    return kept


def require(kind: ResourceKind, kept: dict[str, Any]) -> None:
    """Checks that a resource has what it must have.

    Raises:
        InvalidValueError: something is missing.
    """
    for attribute in kind.schema.attributes:
        if attribute.required and not str(kept.get(attribute.name, "")).strip():
            raise InvalidValueError(f"A {kind.name} has a {attribute.name}.")


def _keep(into: dict[str, Any], attribute: Attribute, value: Any) -> None:
    kept = of(attribute, value)
    if kept is not None:
        into[attribute.name] = kept


def of(attribute: Attribute, value: Any) -> Any:
    """Returns a value of an attribute as it is kept, a list where it has several; None: it is unassigned.

    Raises:
        InvalidValueError: it is none that the attribute takes.
    """
    if value is None or value == []:
        return None
    if not attribute.multi:
        return single(attribute, value)
    several = value if isinstance(value, list) else [value]
    if len(several) > VALUES_LIMIT and attribute.name not in _UNBOUNDED:
        raise InvalidValueError(f"{attribute.name} has at most {VALUES_LIMIT} values.")
    kept = [one for one in (single(attribute, value) for value in several) if one is not None]
    require_one_primary(attribute, kept)
    return kept or None


def require_one_primary(attribute: Attribute, kept: list[Any]) -> None:
    """Checks that one value at most is the primary one (RFC 7643 §2.4).

    Raises:
        InvalidValueError: several are.
    """
    if sum(isinstance(one, dict) and one.get("primary") is True for one in kept) > 1:
        raise InvalidValueError(f"At most one of {attribute.name} is primary.")


def single(attribute: Attribute, value: Any) -> Any:
    """Returns one value as it is kept; see `of`."""
    if attribute.kind == "complex":
        return _complex(attribute, value)
    if attribute.kind == "boolean":
        said = _BOOLEANS.get(value.strip().lower()) if isinstance(value, str) else value  # as Entra ID writes it
        if not isinstance(said, bool):
            raise InvalidValueError(f"{attribute.name} is true or false.")
        return said
    if not isinstance(value, str):
        raise InvalidValueError(f"{attribute.name} is a text.")
    limit = KEY_LIMIT_CHARACTERS if attribute.name in _KEYS else TEXT_LIMIT_CHARACTERS
    if len(value) > limit:
        raise InvalidValueError(f"{attribute.name} has at most {limit} characters.")
    if _NOT_TEXT.search(value) is not None:
        raise InvalidValueError(f"{attribute.name} has characters that no text has.")
    return value or None


def _complex(attribute: Attribute, value: Any) -> dict[str, Any] | None:
    if isinstance(value, str) and attribute.sub("value") is not None:  # as Entra ID writes a manager
        value = {"value": value}
    if not isinstance(value, dict):
        raise InvalidValueError(f"{attribute.name} is an object.")
    kept: dict[str, Any] = {}
    for name, one in value.items():
        sub = attribute.sub(name)
        if sub is not None and sub.mutability != READ_ONLY:
            _keep(kept, sub, one)
    return kept or None
