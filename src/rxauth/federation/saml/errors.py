"""What is refused of an identity provider, in words for the administrator of the connection."""

from typing import Final

from rxauth.federation.problems import UpstreamError

_SHOWN_CHARACTERS: Final = 200


class SamlError(UpstreamError):
    """A message or metadata that is not accepted; code is for logs, str() for the administrator: nothing personal.

    Whoever sits at the browser is told neither: a message may come from anybody.
    """


def shown(value: str) -> str:
    """Returns what a message said of itself so that it can stand in a sentence: short, on one line, printable."""
    line = "".join(character if character.isprintable() else "?" for character in value[:_SHOWN_CHARACTERS])
    return line + ("..." if len(value) > _SHOWN_CHARACTERS else "")
