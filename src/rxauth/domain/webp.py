"""WebP (RFC 9649): its chunks, and those of them that show something; nothing that moves."""

from collections.abc import Iterator
from typing import Final

from rxauth.domain.picture_parts import DamagedError, part

_LOSSY: Final = b"VP8 "
_LOSSLESS: Final = b"VP8L"
_EXTENDED: Final = b"VP8X"
_ALPHA: Final = b"ALPH"
_ALPHA_FLAG: Final = 0x10
_MOVING: Final = frozenset({b"ANIM", b"ANMF"})


def is_one(content: bytes) -> bool:
    """Tells whether bytes begin like a WebP."""
    return content[:4] == b"RIFF" and content[8:12] == b"WEBP"


def read(content: bytes) -> tuple[int, int, bytes]:
    """Returns width and height, and the file with nothing but what shows something.

    Raises:
        DamagedError: see there.
    """
    chunks = list(_chunks(content[: 8 + int.from_bytes(part(content, 4, 4), "little")]))
    kinds = [kind for kind, _ in chunks]
    pictures = [(kind, data) for kind, data in chunks if kind in {_LOSSY, _LOSSLESS}]
    if len(pictures) != 1 or not _MOVING.isdisjoint(kinds) or kinds.count(_EXTENDED) > 1 or kinds.count(_ALPHA) > 1:
        raise DamagedError
    kind, data = pictures[0]
    sides = _lossy_sides(data) if kind == _LOSSY else _lossless_sides(data)
    kept = [(kind, data)]
    if _EXTENDED in kinds:
        if kinds[0] != _EXTENDED:
            raise DamagedError
        head, flags = _canvas(chunks[0][1], sides)
        transparency = [(one, bits) for one, bits in chunks if one == _ALPHA and kind == _LOSSY]
        kept = [(_EXTENDED, bytes((flags & _ALPHA_FLAG,)) + head), *transparency, *kept]
    body = b"WEBP" + b"".join(_written(one, bits) for one, bits in kept)
    return *sides, b"RIFF" + len(body).to_bytes(4, "little") + body


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 12
    while at < len(content):
        length = int.from_bytes(part(content, at + 4, 4), "little")
        yield part(content, at, 4), part(content, at + 8, length)
        at += 8 + length + length % 2
    if at == 12:
        raise DamagedError


def _lossy_sides(data: bytes) -> tuple[int, int]:
    # A key frame, and its start code (RFC 6386 §9.1).
    if part(data, 0, 1)[0] & 1 or part(data, 3, 3) != b"\x9d\x01\x2a":
        raise DamagedError
    return _little(data, 6, 2) & 0x3FFF, _little(data, 8, 2) & 0x3FFF


def _lossless_sides(data: bytes) -> tuple[int, int]:
    if part(data, 0, 1) != b"\x2f":
        raise DamagedError
    bits = _little(data, 1, 4)
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1


def _canvas(data: bytes, sides: tuple[int, int]) -> tuple[bytes, int]:
    if len(data) != 10 or (_little(data, 4, 3) + 1, _little(data, 7, 3) + 1) != sides:
        raise DamagedError
    return data[1:], data[0]


def _little(data: bytes, start: int, length: int) -> int:
    return int.from_bytes(part(data, start, length), "little")


def _written(kind: bytes, data: bytes) -> bytes:
    return kind + len(data).to_bytes(4, "little") + data + bytes(len(data) % 2)
