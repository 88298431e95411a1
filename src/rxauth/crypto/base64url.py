"""base64url without padding, in the one spelling that each text has (RFC 7515 §2)."""

import base64


class MalformedError(Exception):
    """The text is not one that this server could have made; str() says what is wrong with it."""


def encode_base64url(raw: bytes) -> str:
    """Encodes without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode_base64url(text: str) -> bytes:
    """Decodes text without padding, and only the one spelling that encoding the result gives back.

    Raises:
        MalformedError: a length that no octets have, or stray last bits.
    """
    if len(text) % 4 == 1:
        raise MalformedError("one of its parts has a length that base64url cannot have")
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode_base64url(raw) != text:
        raise MalformedError("one of its parts is not canonical base64url")
    return raw
