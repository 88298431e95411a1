"""What readers of pictures have in common."""


class DamagedError(Exception):
    """The bytes are not what they begin like."""


def part(content: bytes, start: int, length: int) -> bytes:
    """Returns bytes that must be there.

    Raises:
        DamagedError: they are not.
    """
    found = content[start : start + length]
    if start < 0 or length < 0 or len(found) != length:
        raise DamagedError
    return found
