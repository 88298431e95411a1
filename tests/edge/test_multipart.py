"""Forms with files: what browsers send is read, and what is no form refused."""

import base64

import pytest

from rxauth.edge import multipart
from rxauth.oauth.errors import InvalidRequestError

TYPE = "multipart/form-data; boundary=----Form7MA4YWxk"
LINE = b"------Form7MA4YWxk"


def field(name: str, value: bytes, more: str = "") -> bytes:
    """Returns a field as a browser writes it."""
    return LINE + f'\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + value + b"\r\n"


def in_base64(content: bytes) -> str:
    """Returns what a file becomes."""
    return base64.b64encode(content).decode()


def test_texts_and_files_are_read() -> None:
    picture = bytes(range(256)) + b"\r\n--\r\n------Form7MA4YWx\r\n"
    body = (
        field("act", b"logo")
        + field("name", "Zoë\r\n--".encode())
        + field("logo", picture, '; filename="a%22b.png"\r\nContent-Type: image/png')
        + field("none", b"", '; filename=""\r\nContent-Type: application/octet-stream')
        + field("act", b"again")
        + LINE
        + b"--\r\n"
    )
    assert multipart.pairs(TYPE, body, 10) == [
        ("act", "logo"),
        ("name", "Zoë\r\n--"),
        ("logo", in_base64(picture)),
        ("none", ""),
        ("act", "again"),
    ]
    assert len(multipart.pairs('multipart/form-data; boundary="----Form7MA4YWxk"', body, 5)) == 5


def test_of_a_large_file_just_so_much_is_kept_as_shows_that_it_is_large() -> None:
    [(_, kept)] = multipart.pairs(TYPE, field("logo", bytes(200_000), '; filename="a"') + LINE + b"--\r\n", 10)
    assert len(base64.b64decode(kept)) == multipart.FILE_LIMIT_BYTES


END = LINE + b"--\r\n"
BAD = {
    "no boundary": ("multipart/form-data", field("a", b"b") + END),
    "another boundary": ("multipart/form-data; boundary=x", field("a", b"b") + END),
    "a boundary that is too long": (f"multipart/form-data; boundary={'x' * 71}", field("a", b"b") + END),
    "nothing": (TYPE, b""),
    "no end": (TYPE, field("a", b"b")),
    "something before": (TYPE, b"x\r\n" + field("a", b"b") + END),
    "no name": (TYPE, LINE + b"\r\nContent-Disposition: form-data\r\n\r\nb\r\n" + END),
    "no blank line": (TYPE, LINE + b'\r\nContent-Disposition: form-data; name="a"\r\nb\r\n' + END),
    "no UTF-8": (TYPE, field("a", b"\xff") + END),
    "too many fields": (TYPE, field("a", b"b") * 11 + END),
    "an endless number of fields": (TYPE, (LINE + b"\r\n") * 10_000 + END),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_form_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequestError):
        multipart.pairs(*BAD[name], 10)
