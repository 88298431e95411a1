"""Pictures that people upload: taken apart, and put together again from what shows something.

What a file says of itself counts for nothing. Comments, places and cameras, further files behind the picture, and
whatever else a reader of pictures would skip is left out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from rxauth.domain import jpeg, png, webp
from rxauth.domain.errors import InvalidError
from rxauth.domain.picture_parts import DamagedError

LIMIT_BYTES: Final = 65_536
LEAST_PIXELS: Final = 16
LIMIT_PIXELS: Final = 1_024
MEDIA_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it is kept. kind: a key of MEDIA_TYPES."""

    kind: str
    width: int
    height: int
    content: bytes = field(repr=False)


_READERS: Final[tuple[tuple[str, Callable[[bytes], bool], Callable[[bytes], tuple[int, int, bytes]]], ...]] = (
    ("png", png.is_one, png.read),
    ("jpg", jpeg.is_one, jpeg.read),
    ("webp", webp.is_one, webp.read),
)


def read(content: bytes, what: str) -> Picture:
    """Reads a PNG, JPEG or WebP picture; what: the argument that it came in.

    Raises:
        InvalidError: it is none, or too large, or damaged.
    """
    if len(content) > LIMIT_BYTES:
        raise InvalidError(f"the picture has more than {LIMIT_BYTES // 1_024} kB: save it smaller", what)
    for kind, is_one, take_apart in _READERS:
        if is_one(content):
            try:
                width, height, kept = take_apart(content)
            except DamagedError:
                raise InvalidError("the picture is damaged, or of a rare kind: save it anew as PNG", what) from None
            if not all(LEAST_PIXELS <= side <= LIMIT_PIXELS for side in (width, height)):
                raise InvalidError(f"the picture's sides have {LEAST_PIXELS} to {LIMIT_PIXELS} pixels each", what)
            return Picture(kind, width, height, kept)
    raise InvalidError("the file is no PNG, JPEG or WebP picture", what)
