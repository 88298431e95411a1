"""Reading official files line by line, alone or in their zip, with the number of each line."""

import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from rxauth.domain.ndc_file import BrokenTableError

LINE_LIMIT_BYTES: Final = 100_000
_BROKEN: Final = (OSError, EOFError, zipfile.BadZipFile, zlib.error)


@contextmanager
def opened(file: Path, name: re.Pattern[str], called: str) -> Iterator[IO[bytes]]:
    """Opens a file, or the one inside a .zip whose name fits; of several, the one that lies least deep.

    called: what the name is like, for the error.

    Raises:
        BrokenTableError: it cannot be read, or there is no such file.
    """
    try:
        if file.suffix.lower() != ".zip":
            with file.open("rb") as stream:
                yield stream
            return
        with zipfile.ZipFile(file) as archive:
            members = [one for one in archive.namelist() if name.fullmatch(Path(one).name)]
            if not members:
                raise BrokenTableError(f"the zip file has no {called}")
            with archive.open(min(members, key=lambda one: (one.count("/"), len(one)))) as inside:
                yield inside
    except OSError as error:
        raise BrokenTableError(f"{file.name} cannot be read: {error.strerror or 'it is damaged'}") from None
    except (NotImplementedError, RuntimeError, zipfile.BadZipFile):
        raise BrokenTableError(f"{file.name} is no whole zip file: download it again") from None


def lines(stream: IO[bytes]) -> Iterator[tuple[int, str]]:
    """Reads the lines that are not empty, without their ends, and their numbers.

    Raises:
        BrokenTableError: naming the line.
    """
    number = 0
    while True:
        try:
            line = stream.readline(LINE_LIMIT_BYTES + 1)
        except _BROKEN:
            raise BrokenTableError(f"after line {number}: the file is damaged or cut off") from None
        if not line:
            return
        number += 1
        if len(line) > LINE_LIMIT_BYTES:
            raise BrokenTableError(f"line {number}: it has more than {LINE_LIMIT_BYTES} bytes")
        text = _decoded(line).rstrip("\r\n")
        if text:
            yield number, text


def _decoded(line: bytes) -> str:
    try:
        return line.decode("utf-8-sig")
    except UnicodeDecodeError:  # files of the nineties
        return line.decode("cp1252", errors="replace")
