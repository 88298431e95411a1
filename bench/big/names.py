"""Names of people who never were: common ones, rare ones, and those that are written with accents or hyphens."""

import itertools
from pathlib import Path
from random import Random
from typing import Final


def _read(name: str) -> list[str]:
    return (Path(__file__).parent / "words" / f"{name}.txt").read_text().split()


_FIRST: Final = _read("first")  # the most frequent first
_LAST: Final = _read("last")
_RARE: Final = [beginning + ending for beginning in _read("beginnings") for ending in _read("endings")]
_TABLE: Final = 4_096


class Names:
    """Draws names: a few of them often, most of them seldom."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._first = _weighted(_FIRST, 0.9)
        self._last = _weighted(_LAST, 0.8)

    def draw(self) -> tuple[str, str | None, str]:
        """Returns a first, a middle (None: there is none) and a last name."""
        number = self._random.getrandbits(48)
        first = self._first[number & 4095]
        chosen = number >> 12 & 15
        last = self._last[number >> 16 & 4095] if chosen > 2 else _RARE[(number >> 16) % len(_RARE)]
        if chosen == 15:
            last = f"{last}-{self._last[number >> 28 & 4095]}"
        return first, self._first[number >> 36 & 4095] if chosen % 4 == 1 else None, last


def _weighted(words: list[str], exponent: float) -> list[str]:
    """Returns a table in which a word stands the more often the further in front it is (Zipf's law)."""
    weights = [(place + 1) ** -exponent for place in range(len(words))]
    total = sum(weights)
    ends = [round(end / total * _TABLE) for end in itertools.accumulate(weights)]
    table: list[str] = []
    for word, end in zip(words, ends, strict=True):
        table += [word] * max(1, end - len(table))
    return table[:_TABLE]
