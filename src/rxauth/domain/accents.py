"""An organization's colour on pages: where it can be read, it takes the place of the usual one (WCAG 2.2 §1.4.3)."""

import re
from dataclasses import dataclass
from typing import Final

from rxauth.domain.errors import InvalidError

LEAST_CONTRAST: Final = 4.5
_COLOR: Final = re.compile(r"#[0-9a-f]{6}")
_WHITE: Final = "#ffffff"
_BLACK: Final = "#000000"
_HOVERED: Final = 0.25  # how far the colour goes towards the text's where a pointer is on it


@dataclass(frozen=True, slots=True)
class Scheme:
    """Light pages, or dark ones. beside: what the colour stands on, or what stands on it; towards: the text's side."""

    beside: tuple[str, ...]
    towards: str


# The stylesheet's own: paper, card, and the text on a button.
LIGHT: Final = Scheme(("#f6f7f7", "#ffffff"), _BLACK)
DARK: Final = Scheme(("#101615", "#182120", "#06231c"), _WHITE)


def read(text: str) -> str:
    """Returns a colour in small letters.

    Raises:
        InvalidError: it is none.
    """
    color = text.strip().lower()
    if not _COLOR.fullmatch(color):
        raise InvalidError("a colour is written with six digits, such as #14614f", "accentColor")
    return color


def contrast(one: str, other: str) -> float:
    """Returns how well two colours stand apart: 1 not at all, 21 as black and white do (WCAG 2.2, contrast ratio)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def least_contrast(color: str, scheme: Scheme) -> float:
    """Returns the contrast of a colour with whatever it stands beside where it is lowest."""
    return min(contrast(color, other) for other in scheme.beside)


def can_be_read(color: str, scheme: Scheme) -> bool:
    """Tells whether pages take a colour."""
    return least_contrast(color, scheme) >= LEAST_CONTRAST


def stylesheet(color: str) -> str:
    """Returns what makes pages take a colour where it can be read; empty: nowhere."""
    light, dark = (_rule(color, scheme) if can_be_read(color, scheme) else "" for scheme in (LIGHT, DARK))
    light = f"@media (prefers-color-scheme: light) {{ {light} }}\n" if light else ""
    return light + (f"@media (prefers-color-scheme: dark) {{ {dark} }}\n" if dark else "")


def _rule(color: str, scheme: Scheme) -> str:
    return f":root {{ --accent: {color}; --focus: {color}; --accent-strong: {_mixed(color, scheme.towards)}; }}"


def _mixed(color: str, other: str) -> str:
    pairs = zip(_channels(color), _channels(other), strict=True)
    return "#" + "".join(f"{round(one + (to - one) * _HOVERED):02x}" for one, to in pairs)


def _channels(color: str) -> tuple[int, ...]:
    return tuple(int(color[start : start + 2], 16) for start in (1, 3, 5))


def _luminance(color: str) -> float:
    red, green, blue = (_linear(channel / 255) for channel in _channels(color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
