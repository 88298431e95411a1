"""S-02 and S-03: which passwords are taken."""

import unicodedata

import pytest

from rxauth.domain.errors import InvalidError
from rxauth.domain.names import Name
from rxauth.domain.password_rules import require_acceptable, words_of

KNOWN = words_of("ada.marsh@alder.example", Name("Ada", "Marsh", middle="Rosalind"), ["Alder Clinic", "Birch"])
EMOJI = "\N{GRINNING FACE}"

TAKEN = {
    "15 characters": "mauve tin lorry",
    "64 characters": "seven slow boats turn round the far lighthouse at noon, quietly.",
    "128 characters": ("seven slow boats turn round the far lighthouse at noon, quietly. " * 2)[:128],
    "256 characters": "".join(chr(0x61 + (index * index + index // 7) % 26) for index in range(256)),
    "spaces around": "  mauve tin lorry  ",
    "emoji": f"mauve{EMOJI} tin{EMOJI} lorry{EMOJI}",
    "another script": "тихая лодка за маяком ночью",
    "composed letters": "élan été à l'île",
    "no capital, digit or sign (S-03)": "mauvetinlorrywharf",
    "digits only": "802713946520871",
    "a known word among others": "marsh lantern ferry quilt",
}
REFUSED = {
    "14 characters": ("mauve tin lorr", "at least 15 characters"),
    "257 characters": (TAKEN["256 characters"] + "x", "at most 256 characters"),
    "15 code units that are 8 characters": (EMOJI * 8, "at least 15 characters"),
    "letters that are fewer when they are composed": (
        unicodedata.normalize("NFD", "é" * 10),
        "at least 15 characters",
    ),
    "a control character": ("mauve tin\0lorry", "control characters"),
    "one letter": ("a" * 15, "one pattern"),
    "a short piece again and again": ("abc1xyz" * 3, "one pattern"),
    "a row of digits": ("123456789012345", "one pattern"),
    "a row of letters": ("abcdefghijklmnop", "one pattern"),
    "a row backwards": ("ponmlkjihgfedcba", "one pattern"),
    "listed": ("1qaz2wsx3edc4rfv", "tried first"),
    "listed, in capitals": ("1QAZ2WSX3EDC4RFV", "tried first"),
    "listed, in wide letters": ("\N{FULLWIDTH DIGIT ONE}qaz2wsx3edc4rfv", "tried first"),
    "listed, with a number and signs": ("Butterfly123456!", "tried first"),
    "listed, twice": ("butterflybutterfly", "tried first"),
    "two listed": ("sunshinebutterfly", "tried first"),
    "two rows of the keyboard": ("qwertyuiopasdfghjkl", "tried first"),
    "the product": ("rxauth-rxauth-rx-2026", "names that others know"),
    "the organization": ("AlderClinic2026!", "names that others know"),
    "the organization, with signs": ("alder-clinic-2026", "names that others know"),
    "one's own name": ("ada.marsh.1990!", "names that others know"),
    "one's own address": ("ada.marsh@alder.example", "names that others know"),
}


@pytest.mark.parametrize("password", TAKEN.values(), ids=TAKEN)
def test_a_password_is_taken_whatever_it_is_made_of(password: str) -> None:
    require_acceptable(password, KNOWN)


@pytest.mark.parametrize(("password", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_password_that_is_guessed_first_is_refused_and_not_repeated(password: str, reason: str) -> None:
    with pytest.raises(InvalidError, match=reason) as refused:
        require_acceptable(password, KNOWN)
    assert password not in str(refused.value)


def test_eight_characters_do_beside_a_second_factor_and_seven_do_not() -> None:
    require_acceptable("tin lorr", has_second_factor=True)
    with pytest.raises(InvalidError, match="at least 8"):
        require_acceptable("tin lor", has_second_factor=True)
    with pytest.raises(InvalidError, match="tried first"):
        require_acceptable("butterfly", has_second_factor=True)
