"""Forms with files (RFC 7578): what was typed, and each file in base64, as the fields of any other form."""

import base64
import re
from typing import Final

from rxauth.oauth.errors import InvalidRequestError

MEDIA_TYPE: Final = "multipart/form-data"
# Of a larger file just so much is kept as shows that it is too large.
FILE_LIMIT_BYTES: Final = 66_000
_BOUNDARY: Final = re.compile(r'boundary=(?:"([^"]{1,70})"|([^\s;,"]{1,70}))')
_DISPOSITION: Final = re.compile(
    rb'content-disposition: *form-data; *name="([^"\r\n]*)"(?:; *filename="([^"\r\n]*)")?[^\r\n]*', re.IGNORECASE
)


def pairs(content_type: str, body: bytes, fields_limit: int) -> list[tuple[str, str]]:
    """Reads a form; a file that nobody chose is an empty text.

    Raises:
        InvalidRequestError: it is no form, or has too many fields.
    """
    found = _BOUNDARY.search(content_type)
    boundary = "" if found is None else found[1] or found[2]
    if not boundary or not boundary.isascii():
        raise InvalidRequestError("The form does not say where its fields begin.")
    start, *parts = (b"\r\n" + body).split(b"\r\n--" + boundary.encode(), fields_limit + 1)
    if start or not parts or not parts[-1].startswith(b"--") or len(parts) > fields_limit + 1:
        raise InvalidRequestError(f"The body is not a form of at most {fields_limit} fields.")
    return [_pair(part) for part in parts[:-1]]


def _pair(part: bytes) -> tuple[str, str]:
    head, blank, content = part.partition(b"\r\n\r\n")
    found = _DISPOSITION.search(head)
    if found is None or not blank:
        raise InvalidRequestError("The form has a field without a name.")
    try:
        name = found[1].decode()
        if found[2] is None:
            return name, content.decode()
    except UnicodeDecodeError:
        raise InvalidRequestError("The form has a text that is not in UTF-8.") from None
    return name, base64.b64encode(content[:FILE_LIMIT_BYTES]).decode()
