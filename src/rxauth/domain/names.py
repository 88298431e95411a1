"""Names and addresses of people, and how a name is searched."""

import unicodedata
from dataclasses import dataclass
from typing import Any

import msgspec

from rxauth.domain.errors import InvalidError
from rxauth.policy.licences import STATES

TEXT_LIMIT_CHARACTERS = 200
_UNITED_STATES = frozenset({"US", "USA", "UNITED STATES", "UNITED STATES OF AMERICA"})
_FOLDINGS = 3  # decomposing shows letters to fold, and folding letters to decompose; three rounds settle every one
_APOSTROPHES = str.maketrans("", "", "'\N{RIGHT SINGLE QUOTATION MARK}\N{MODIFIER LETTER APOSTROPHE}")


@dataclass(frozen=True, slots=True)
class Name:
    """A person's name. title, middle: None if there is none."""

    first: str
    last: str
    title: str | None = None
    middle: str | None = None

    @property
    def full(self) -> str:
        """The parts that there are, with a space between them."""
        return " ".join(part for part in (self.title, self.first, self.middle, self.last) if part)


class Address(msgspec.Struct, frozen=True):
    """A postal address, kept as JSON inside what has it."""

    id: str | None
    street1: str
    city: str
    state: str
    postal_code: str
    country: str
    name: Name | None = None
    street2: str | None = None

    @property
    def us_state(self) -> str | None:
        """The two letters of the state or territory of the United States it is in; None: in none, or nobody can say."""
        if self.country.strip().upper().replace(".", "") not in _UNITED_STATES:
            return None
        letters = self.state.strip().upper()
        return letters if letters in STATES else None


def stored_address(address: Address | None) -> Any:
    """Returns an address as a database column takes it."""
    return None if address is None else msgspec.to_builtins(address)


def read_address(stored: Any) -> Address | None:
    """Reads what `stored_address` made."""
    return None if stored is None else msgspec.convert(stored, Address)


def require_text(value: str | None, what: str, limit_characters: int = TEXT_LIMIT_CHARACTERS) -> None:
    """Checks a text that people typed.

    Raises:
        InvalidError: it is blank, too long, or has control characters; the text itself is not repeated.
    """
    if value is None:
        return
    if not value.strip():
        raise _refusal(what, "is blank")
    if len(value) > limit_characters:
        raise _refusal(what, f"has more than {limit_characters} characters")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in value):
        raise _refusal(what, "has control characters")


def _refusal(what: str, problem: str) -> InvalidError:
    return InvalidError(f"{what} {problem}", None if " " in what else what)  # words are no place among arguments


def require_name(name: Name, what: str) -> None:
    """Checks every part of a name.

    Raises:
        InvalidError: see `require_text`.
    """
    for part, value in (("first", name.first), ("last", name.last), ("title", name.title), ("middle", name.middle)):
        require_text(value, f"{what}.{part}")


def require_address(address: Address | None, what: str) -> None:
    """Checks every line of an address.

    Raises:
        InvalidError: see `require_text`.
    """
    if address is None:
        return
    for part in ("street1", "street2", "city", "state", "country"):
        require_text(getattr(address, part), f"{what}.{part}")
    require_text(address.postal_code, f"{what}.postalCode")
    if address.name is not None:
        require_name(address.name, f"{what}.name")


def search_words(text: str) -> list[str]:
    """Returns the words of a text as they are searched: without case, accents, hyphens or apostrophes."""
    folded = text
    for _ in range(_FOLDINGS):
        folded = unicodedata.normalize("NFKD", folded).casefold()
    plain = "".join(character for character in folded if not unicodedata.combining(character))
    joined = plain.translate(_APOSTROPHES)
    return list(dict.fromkeys("".join(one if one.isalnum() else " " for one in joined).split()))


def after_prefix(prefix: str) -> str:
    """Returns the first text that sorts after every text beginning with `prefix`, by code point."""
    return prefix + "\U0010ffff"
