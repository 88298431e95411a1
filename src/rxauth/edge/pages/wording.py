"""Values to words: moments, devices and names as a person reads them."""

import re
from datetime import UTC, datetime
from typing import Final

NAME_CHARACTERS: Final = 80
_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
_STEPS: Final = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


def seconds(moment: str) -> int:
    """Returns a moment as the API writes it, in whole UTC seconds."""
    return int(datetime.fromisoformat(moment).timestamp())


def short(name: str) -> str:
    """Returns a name, cut where it would push everything else off the page."""
    return name if len(name) <= NAME_CHARACTERS else f"{name[: NAME_CHARACTERS - 1]}…"


def day(moment_s: int) -> str:
    """Returns a day in UTC: 24 November 2026."""
    at = datetime.fromtimestamp(moment_s, UTC)
    return f"{at.day} {at:%B %Y}"


def calendar(day_written: str) -> str:
    """Returns a day of a calendar, such as that a licence ends with, in no zone: 24 November 2026."""
    at = datetime.fromisoformat(day_written)
    return f"{at.day} {at:%B %Y}"


def plain(number: float | None) -> str:
    """Returns a number as people write it: 30, not 30.0; None: nothing."""
    return "" if number is None else f"{number:.10g}"


def full_moment(moment_s: int) -> str:
    """Returns a moment in UTC, to the second."""
    return f"{day(moment_s)}, {datetime.fromtimestamp(moment_s, UTC):%H:%M:%S} UTC"


def machine_moment(moment_s: int) -> str:
    """Returns a moment as RFC 3339 writes it."""
    return f"{datetime.fromtimestamp(moment_s, UTC):%Y-%m-%dT%H:%M:%SZ}"


def ago(moment_s: int, now: int) -> str:
    """Returns how long ago a moment was: 3 minutes ago."""
    for seconds, unit in _STEPS:
        number = (now - moment_s) // seconds
        if number >= 1:
            return f"{number} {unit}{'' if number == 1 else 's'} ago"
    return "just now"


def sentence(message: str, field: str | None = None) -> str:
    """Returns a refusal as a sentence: of `address.postalCode is blank`, Postal code is blank.

    field: the API's name of the refused value, None if there is none; people do not know it.
    """
    if field is not None and message.startswith(f"{field} "):
        last = re.sub(r"\d+$|\[\d+\]$", "", field.rpartition(".")[2])
        words = last if last.isupper() else re.sub(r"(?<=[a-z])(?=[A-Z])", " ", last).lower()
        message = f"{words}{message.removeprefix(field)}"
    return f"{message[:1].upper()}{message[1:]}".rstrip(".") + "."


def device(user_agent: str) -> str:
    """Returns what a browser seems to be, from what it says of itself: Firefox on Windows."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), None)
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), None)
    return " on ".join(filter(None, (browser, system))) or "Unknown device"


def in_fours(text: str) -> str:
    """Returns characters in groups of four, as they are easiest to copy by hand."""
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))
