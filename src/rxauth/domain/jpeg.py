"""JPEG (ITU-T T.81): its segments, and those of them that show something."""

import re
from typing import Final

from rxauth.domain.picture_parts import DamagedError, part

_START: Final = b"\xff\xd8"
_END: Final = 0xD9
_SCAN: Final = 0xDA
_FRAMES: Final = frozenset({0xC0, 0xC1, 0xC2})  # baseline, extended and progressive, which browsers show
# Tables, restarts, JFIF and Adobe's word on colours.
_KEPT: Final = _FRAMES | {0xC4, 0xDB, 0xDD, 0xE0, 0xEE}
_LEFT_OUT: Final = frozenset({*range(0xE1, 0xF0), 0xFE}) - _KEPT
# Where the data of a scan ends: at a marker that is neither a stuffed byte nor a restart.
_MARKER: Final = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]", re.DOTALL)


def is_one(content: bytes) -> bool:
    """Tells whether bytes begin like a JPEG."""
    return content.startswith(_START + b"\xff")


def read(content: bytes) -> tuple[int, int, bytes]:
    """Returns width and height, and the file with nothing but what shows something.

    Raises:
        DamagedError: see there.
    """
    kept, at, sides, has_scan = bytearray(_START), len(_START), None, False
    while True:
        at, marker = _marker(content, at)
        if marker == _END:
            break
        length = int.from_bytes(part(content, at, 2))
        segment = part(content, at, length)
        at += length
        if length < 2 or marker not in _KEPT | _LEFT_OUT | {_SCAN} or (marker == _SCAN and sides is None):
            raise DamagedError
        if marker in _FRAMES:
            if sides is not None:
                raise DamagedError
            sides = _sides(segment)
        if marker not in _LEFT_OUT:
            kept += bytes((0xFF, marker)) + segment
        if marker == _SCAN:
            found = _MARKER.search(content, at)
            if found is None:
                raise DamagedError
            kept += content[at : found.start()]
            at, has_scan = found.start(), True
    if sides is None or not has_scan:
        raise DamagedError
    return *sides, bytes(kept + bytes((0xFF, _END)))


def _marker(content: bytes, at: int) -> tuple[int, int]:
    """Returns a marker, and where what comes behind it begins; any number of 0xff may stand before it."""
    if part(content, at, 1) != b"\xff":
        raise DamagedError
    while part(content, at, 1) == b"\xff":
        at += 1
    return at + 1, content[at]


def _sides(segment: bytes) -> tuple[int, int]:
    precision, components = part(segment, 2, 1)[0], part(segment, 7, 1)[0]
    height, width = int.from_bytes(segment[3:5]), int.from_bytes(segment[5:7])
    if precision != 8 or components not in {1, 3} or 0 in {height, width} or len(segment) != 8 + 3 * components:
        raise DamagedError
    return width, height
