"""Which passwords are taken: long ones that nobody would guess first. What they are made of is nobody's business.

There is no rule on kinds of characters, and no password grows old (NIST SP 800-63B-4 §3.1.1.2): both make people choose
what is easier to guess.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from typing import Final

from rxauth.crypto.passwords import normalized
from rxauth.domain.errors import InvalidError
from rxauth.domain.names import Name

LEAST_CHARACTERS: Final = 15
LEAST_WITH_SECOND_FACTOR: Final = 8
MOST_CHARACTERS: Final = 256
PRODUCT_WORDS: Final = ("rxauth", "photon", "prescription", "prescriber", "password")
_WORD_LEAST: Final = 4  # a shorter name is part of too many honest words
_OWN_LEAST: Final = 8  # what must be left of a password without the words that everybody knows
_DISTINCT_LEAST: Final = 5
_WORD: Final = re.compile(r"[^\W\d_]+")


def require_acceptable(password: str, known_words: Iterable[str] = (), *, has_second_factor: bool = False) -> None:
    """Checks a password that somebody chooses.

    known_words: see `words_of`. has_second_factor: every sign-in of this person asks for one.

    Raises:
        InvalidError: what to do otherwise; the password is not repeated.
    """
    least = LEAST_WITH_SECOND_FACTOR if has_second_factor else LEAST_CHARACTERS
    password = normalized(password)
    if len(password) < least:
        raise InvalidError(f"A password has at least {least} characters: several words are easy to remember.")
    if len(password) > MOST_CHARACTERS:
        raise InvalidError(f"A password has at most {MOST_CHARACTERS} characters.")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in password):
        raise InvalidError("A password cannot have control characters.")
    folded = unicodedata.normalize("NFKC", password).casefold()
    if _is_pattern(folded):
        raise InvalidError("This password is one pattern: choose words that do not follow from each other.")
    if _is_common(folded):
        raise InvalidError("This is one of the passwords that are tried first: choose another one.")
    if _is_made_of(folded, {*known_words, *PRODUCT_WORDS}):
        raise InvalidError("This password is made of names that others know: choose other words.")


def words_of(email: str, name: Name, organizations: Iterable[str]) -> frozenset[str]:
    """Returns the words that others know of a person: of the address, the name, and the organizations' names."""
    texts = (email, name.first, name.middle or "", name.last, *organizations)
    words: set[str] = set()
    for text in texts:
        found = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
        words |= {*found, "".join(found)}
    return frozenset(word for word in words if len(word) >= _WORD_LEAST)


def _is_pattern(folded: str) -> bool:
    """Tells whether a text is one short piece again and again, or a row of neighbours such as 123456."""
    if len(set(folded)) < _DISTINCT_LEAST:
        return True
    doubled = (folded + folded).find(folded, 1)  # the length of the piece that repeats
    if doubled < len(folded) and doubled < _OWN_LEAST:
        return True
    steps = [ord(after) - ord(before) for before, after in pairwise(folded)]
    even = sum(step in {-1, 0, 1, 9, -9} for step in steps)  # 9: from 9 to 0
    return even >= 0.8 * len(steps)


def _is_common(folded: str) -> bool:
    """Tells whether a text is a common password, two of them, or one with a number or signs around it."""
    common = _common_passwords()
    bare = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", folded)
    for text in {folded, bare, re.sub(r"[\W_]", "", folded)}:
        piece = text[: (text + text).find(text, 1)] if text else ""
        if {text, piece} & common or any(text[:at] in common and text[at:] in common for at in range(3, len(text) - 2)):
            return True
    return False


def _is_made_of(folded: str, words: Iterable[str]) -> bool:
    """Tells whether too little is left of a text without these words and the signs between them."""
    left = folded
    for word in sorted((unicodedata.normalize("NFKC", one).casefold() for one in words), key=len, reverse=True):
        left = left.replace(word, " ")
    return left != folded and sum(character.isalnum() for character in left) < _OWN_LEAST


@cache
def _common_passwords() -> frozenset[str]:
    """Reads the 30,000 most frequent passwords of breaches, when the first password is chosen."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415  # late: most processes never need it

    return frozenset(FREQUENCY_LISTS["passwords"])
