"""An organization's colour: how well it can be read, and what the stylesheet makes of it."""

import re
from pathlib import Path

import pytest

import rxauth
from rxauth.domain import accents
from rxauth.domain.accents import DARK, LIGHT, can_be_read, contrast
from rxauth.domain.errors import InvalidError

SHEET = (Path(rxauth.__file__).parent / "edge" / "pages" / "static" / "style.css").read_text()


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#ffffff", "#ffffff", 1.0),
        ("#777777", "#ffffff", 4.48),  # the best known grey that just fails
        ("#767676", "#ffffff", 4.54),
        ("#ff0000", "#ffffff", 4.0),
        ("#0000ff", "#ffffff", 8.59),
        ("#00ff00", "#000000", 15.3),
        ("#14614f", "#ffffff", 7.36),
    ],
)
def test_the_contrast_is_that_of_the_standard(one: str, other: str, expected: float) -> None:
    """WCAG 2.2, contrast ratio and relative luminance."""
    assert contrast(one, other) == contrast(other, one) == pytest.approx(expected, abs=0.006)


@pytest.mark.parametrize(
    ("color", "on_light", "on_dark"),
    [
        ("#14614f", True, False),
        ("#7ad3b9", False, True),
        ("#000000", True, False),
        ("#ffffff", False, True),
        ("#808080", False, False),
        ("#777777", False, False),  # enough on black, not on dark pages
        ("#ffd400", False, True),
    ],
)
def test_a_colour_is_taken_where_it_can_be_read(color: str, on_light: bool, on_dark: bool) -> None:
    assert (can_be_read(color, LIGHT), can_be_read(color, DARK)) == (on_light, on_dark)
    sheet = accents.stylesheet(color)
    assert ("(prefers-color-scheme: light)" in sheet, "(prefers-color-scheme: dark)" in sheet) == (on_light, on_dark)
    assert sheet.count(f"--accent: {color};") == on_light + on_dark


def test_where_a_pointer_is_the_colour_stands_out_more() -> None:
    for color, scheme in (("#14614f", LIGHT), ("#666666", LIGHT), ("#7ad3b9", DARK)):
        found = re.search(r"--accent-strong: (#[0-9a-f]{6});", accents.stylesheet(color))
        assert found is not None
        assert accents.least_contrast(found[1], scheme) > accents.least_contrast(color, scheme)


def test_the_backgrounds_are_those_of_the_stylesheet() -> None:
    light, _, dark = SHEET.partition("prefers-color-scheme: dark")
    values = [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]+);", part.partition("}")[0])) for part in (light, dark)]
    for scheme, named in zip((LIGHT, DARK), values, strict=True):
        whole = {name: "#ffffff" if value == "#fff" else value for name, value in named.items()}
        assert {whole["paper"], whole["card"], whole["on-accent"]} == set(scheme.beside)
        assert can_be_read(whole["accent"], scheme)
        assert can_be_read(whole["accent-strong"], scheme)


HOSTILE = [
    "14614f",
    "#14614",
    "#14614f00",
    "#fff",
    "red",
    "#14614g",
    "#14614f;}",
    "url(//evil)",
    "#\uff11\uff14\uff16\uff11\uff14f",
    "</style>",
    "",
    "#" * 10_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda one: ascii(one)[:20])
def test_what_is_no_colour_is_refused(text: str) -> None:
    with pytest.raises(InvalidError, match="six digits") as refused:
        accents.read(text)
    assert refused.value.field == "accentColor"


def test_a_colour_is_written_in_one_way() -> None:
    assert accents.read(" #ABCDEF\n") == "#abcdef"
