"""Pictures that people upload: what is taken of a good one, and everything that is none."""

import struct
import zlib

import pytest

from rxauth.domain import pictures
from rxauth.domain.errors import InvalidError
from rxauth.domain.pictures import LIMIT_BYTES, Picture
from tests.pictures import JPEG, PNG, WEBP

GOOD = {"png": PNG, "jpg": JPEG, "webp": WEBP}
# What shows the picture: the pixels of each, and the tables that a JPEG's need.
SHOWN = {
    "png": [PNG[PNG.index(b"IDAT") : PNG.index(b"IEND")]],
    "jpg": [JPEG[JPEG.index(b"\xff\xdb") :]],
    "webp": [WEBP[WEBP.index(b"ALPH") :], b"VP8X\x0a\0\0\0\x10"],
}
EVIL = b"<script>alert(document.domain)</script>"


def read(content: bytes) -> Picture:
    """Reads a picture."""
    return pictures.read(content, "logo")


def chunk(kind: bytes, data: bytes) -> bytes:
    """Returns a chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *marks: int, data: bytes | None = None) -> bytes:
    """Returns a black PNG of a size; marks: depth, colours and interlace; data: what it unpacks to instead."""
    depth, color, interlace = marks or (8, 2, 0)
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlace)
    rows = bytes((1 + width * 3) * height) if data is None else data
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def after_header(content: bytes, *chunks: bytes) -> bytes:
    """Puts chunks behind the header of a PNG."""
    return content[:33] + b"".join(chunks) + content[33:]


def after_start(content: bytes, *segments: tuple[int, bytes]) -> bytes:
    """Puts segments behind the start of a JPEG."""
    written = b"".join(bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data for marker, data in segments)
    return content[:2] + written + content[2:]


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    """Returns a WebP of some chunks."""
    body = b"WEBP" + b"".join(
        kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2) for kind, data in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def chunks_of(content: bytes) -> list[tuple[bytes, bytes]]:
    """Returns the chunks of a WebP."""
    found, at = [], 12
    while at < len(content):
        length = int.from_bytes(content[at + 4 : at + 8], "little")
        found.append((content[at : at + 4], content[at + 8 : at + 8 + length]))
        at += 8 + length + length % 2
    return found


def with_height(content: bytes, height: int) -> bytes:
    """Returns a JPEG that says it has another height."""
    at = content.index(b"\xff\xc0") + 5
    return content[:at] + struct.pack(">H", height) + content[at + 2 :]


@pytest.mark.parametrize("kind", GOOD)
def test_a_picture_as_a_browser_makes_it_is_taken_whole(kind: str) -> None:
    found = read(GOOD[kind])
    assert (found.kind, found.width, found.height) == (kind, 120, 40)
    assert read(found.content) == found
    for part in SHOWN[kind]:
        assert part in found.content


HIDING: dict[str, bytes] = {
    "behind a PNG": PNG + EVIL,
    "a PNG's comment": after_header(PNG, chunk(b"tEXt", b"Comment\0" + EVIL)),
    "a PNG's place": after_header(PNG, chunk(b"eXIf", EVIL)),
    "a PNG's own chunk": after_header(PNG, chunk(b"evIl", EVIL)),
    "a zip behind a PNG": PNG + b"PK\x03\x04" + EVIL,
    "behind a JPEG": JPEG + EVIL,
    "a JPEG's comment": after_start(JPEG, (0xFE, EVIL)),
    "a JPEG's Exif": after_start(JPEG, (0xE1, b"Exif\0\0" + EVIL)),
    "a JPEG's colour profile": after_start(JPEG, (0xE2, b"ICC_PROFILE\0" + EVIL)),
    "behind a WebP": WEBP + EVIL,
    "a WebP's Exif": riff(*chunks_of(WEBP), (b"EXIF", EVIL)),
    "a WebP's XMP": riff(*chunks_of(WEBP), (b"XMP ", EVIL)),
    "a WebP's own chunk": riff(*chunks_of(WEBP), (b"evil", EVIL)),
}


@pytest.mark.parametrize("hidden", HIDING)
def test_what_hides_in_a_picture_is_left_out(hidden: str) -> None:
    assert EVIL in HIDING[hidden]
    found = read(HIDING[hidden])
    assert EVIL not in found.content
    assert found == read(GOOD[found.kind])


BAD: dict[str, bytes] = {
    "nothing": b"",
    "a text": b"logo",
    "an SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "an SVG behind a PNG's name": b"\x89PNG" + b"<svg/>",
    "a GIF": b"GIF89a" + bytes(100),
    "an icon": b"\0\0\1\0\1\0" + bytes(100),
    "a PDF": b"%PDF-1.7" + bytes(100),
    "HTML": b"<!doctype html>" + EVIL,
    "a signature alone": b"\x89PNG\r\n\x1a\n",
    "a PNG cut off": PNG[:-1],
    "a PNG cut in half": PNG[: len(PNG) // 2],
    "a wrong checksum": PNG[:-1] + b"\0",
    "no pixels": b"\x89PNG\r\n\x1a\n" + PNG[8:33] + chunk(b"IEND", b""),
    "two headers": after_header(PNG, PNG[8:33]),
    "an unknown critical chunk": after_header(PNG, chunk(b"EVIL", b"")),
    "a chunk of 4 GB": after_header(PNG, b"\xff\xff\xff\xffIDAT"),
    "pixels that do not unpack": png(20, 20).replace(zlib.compress(bytes(61 * 20), 9), b"x" * 15),
    "too few pixels": png(20, 20, data=bytes(10)),
    "a bomb": png(20, 20, data=bytes(40_000_000)),
    "no such depth": png(20, 20, 3, 2, 0),
    "no such colours": png(20, 20, 8, 5, 0),
    "no such interlace": png(20, 20, 8, 2, 2),
    "a JPEG's start alone": b"\xff\xd8\xff",
    "a JPEG cut off": JPEG[:-2],
    "a JPEG without a scan": JPEG[: JPEG.index(b"\xff\xda")] + b"\xff\xd9",
    "a JPEG of no height": with_height(JPEG, 0),
    "a JPEG of a rare kind": JPEG.replace(b"\xff\xc0", b"\xff\xc9", 1),
    "two frames": after_start(JPEG, (0xC0, JPEG[JPEG.index(b"\xff\xc0") + 4 :][:15])),
    "a segment of no length": JPEG[:2] + b"\xff\xfe\0\0" + JPEG[2:],
    "a segment that is too long": JPEG[:2] + b"\xff\xfe\xff\xff" + JPEG[2:],
    "a WebP of nothing": riff(),
    "a WebP that moves": riff(*chunks_of(WEBP)[:1], (b"ANIM", bytes(6)), *chunks_of(WEBP)[1:]),
    "a WebP cut off": WEBP[:-10],
    "a WebP of two pictures": riff(*chunks_of(WEBP), chunks_of(WEBP)[-1]),
    "a WebP of another size": riff((b"VP8X", bytes(10)), *chunks_of(WEBP)[1:]),
    "a WebP without a start code": riff((b"VP8 ", bytes(30))),
    "another RIFF": b"RIFF\x10\0\0\0WAVE" + bytes(8),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_picture_is_refused(name: str) -> None:
    with pytest.raises(InvalidError) as refused:
        read(BAD[name])
    assert refused.value.field == "logo"


@pytest.mark.parametrize(
    "content",
    [
        png(1_025, 16),
        png(16, 1_025),
        png(15, 16),
        png(16, 15),
        png(2**31 - 1, 2**31 - 1, data=b""),
        with_height(JPEG, 65_535),
    ],
    ids=["wide", "high", "narrow", "low", "huge", "a huge JPEG"],
)
def test_a_picture_has_sides_that_a_page_can_show(content: bytes) -> None:
    if len(content) > LIMIT_BYTES:
        pytest.fail("too large to be refused for its sides")
    with pytest.raises(InvalidError, match="16 to 1024 pixels"):
        read(content)


def test_the_sides_that_a_page_can_show_are_taken() -> None:
    assert read(png(1_024, 16)).width == 1_024
    assert read(png(16, 1_024)).height == 1_024


@pytest.mark.parametrize(("depth", "color", "samples"), [(1, 0, 1), (2, 3, 1), (8, 4, 2), (16, 2, 3), (16, 6, 4)])
@pytest.mark.parametrize("interlace", [0, 1])
def test_every_kind_of_png_is_taken(depth: int, color: int, samples: int, interlace: int) -> None:
    """§7.2, §8.2: 17 by 19 pixels, which no pass of an interlaced picture divides evenly."""
    passes = [(17, 19)] if not interlace else [(3, 3), (2, 3), (5, 2), (4, 5), (9, 5), (8, 10), (17, 9)]
    rows = sum(height * (1 + -(-width * depth * samples // 8)) for width, height in passes)
    assert read(png(17, 19, depth, color, interlace, data=bytes(rows))).height == 19


def test_a_large_file_is_refused_before_it_is_looked_at() -> None:
    for content in (PNG + bytes(LIMIT_BYTES), bytes(10_000_000)):
        with pytest.raises(InvalidError, match="more than 64 kB"):
            read(content)


@pytest.mark.parametrize("kind", GOOD)
def test_whatever_byte_is_another_the_picture_is_refused_or_has_its_own_kind(kind: str) -> None:
    """What is taken can be read again, and is then the same: nothing is half understood."""
    content = GOOD[kind]
    for place in range(0, len(content), 3):
        for byte in (0, 0xFF, content[place] ^ 1):
            changed = content[:place] + bytes((byte,)) + content[place + 1 :]
            try:
                found = read(changed)
            except InvalidError:
                continue
            assert read(found.content) == found
