"""PNG (W3C Portable Network Graphics, third edition): its chunks, and those of them that show something."""

import zlib
from collections.abc import Iterator
from typing import Final

from rxauth.domain.picture_parts import DamagedError, part

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_KEPT: Final = frozenset({b"IHDR", b"PLTE", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"IDAT", b"IEND"})
# The bit depths that a colour type may have, and how many samples a pixel has.
_DEPTHS: Final = {
    0: ((1, 2, 4, 8, 16), 1),
    2: ((8, 16), 3),
    3: ((1, 2, 4, 8), 1),
    4: ((8, 16), 2),
    6: ((8, 16), 4),
}
# Where the seven passes of an interlaced picture begin, and their steps: x, y, across, down (§8.2).
_PASSES: Final = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_SIDES_LIMIT: Final = 4_096  # above it, nothing is unpacked: the caller refuses it anyway


def is_one(content: bytes) -> bool:
    """Tells whether bytes begin like a PNG."""
    return content.startswith(_SIGNATURE)


def read(content: bytes) -> tuple[int, int, bytes]:
    """Returns width and height, and the file with nothing but what shows something.

    Raises:
        DamagedError: see there.
    """
    chunks = list(_chunks(content))
    kinds = [kind for kind, _ in chunks]
    if kinds[0] != b"IHDR" or kinds.count(b"IHDR") != 1 or b"IDAT" not in kinds or kinds.count(b"PLTE") > 1:
        raise DamagedError
    header = chunks[0][1]
    width, height = _sides(header)
    data = b"".join(one for kind, one in chunks if kind == b"IDAT")
    if max(width, height) <= _SIDES_LIMIT:
        _require_pixels(data, _size(header, width, height))
    kept = b"".join(_written(kind, one) for kind, one in chunks if kind in _KEPT)
    return width, height, _SIGNATURE + kept


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Lists the chunks to the end of the picture; what comes behind it is not looked at."""
    at, kind = len(_SIGNATURE), b""
    while kind != b"IEND":
        length, kind = int.from_bytes(part(content, at, 4)), part(content, at + 4, 4)
        data = part(content, at + 8, length)
        if zlib.crc32(kind + data) != int.from_bytes(part(content, at + 8 + length, 4)):
            raise DamagedError
        if kind not in _KEPT and not kind[0] & 0x20:  # who does not know a critical chunk cannot show the picture
            raise DamagedError
        yield kind, data
        at += 12 + length


def _sides(header: bytes) -> tuple[int, int]:
    depth, color, compression, filtering, interlace = part(header, 8, 5)
    depths, _ = _DEPTHS.get(color, ((), 0))
    sides = int.from_bytes(header[:4]), int.from_bytes(header[4:8])
    if len(header) != 13 or depth not in depths or (compression, filtering) != (0, 0) or interlace > 1 or 0 in sides:
        raise DamagedError
    return sides


def _size(header: bytes, width: int, height: int) -> int:
    """Returns how many bytes the unpacked picture has: each row, and one byte before it (§7.2)."""
    bits = header[8] * _DEPTHS[header[9]][1]
    passes = _PASSES if header[12] else ((0, 0, 1, 1),)
    size = 0
    for x, y, across, down in passes:
        columns, rows = -(-(width - x) // across), -(-(height - y) // down)
        if columns > 0 and rows > 0:
            size += rows * (1 + (columns * bits + 7) // 8)
    return size


def _require_pixels(data: bytes, size: int) -> None:
    """Refuses what does not unpack to a picture of this size; a bomb is not unpacked any further."""
    unpacking = zlib.decompressobj()
    try:
        found = len(unpacking.decompress(data, size + 1))
    except zlib.error:
        raise DamagedError from None
    if found != size:
        raise DamagedError


def _written(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)
