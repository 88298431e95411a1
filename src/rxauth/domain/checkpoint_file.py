"""The file of checkpoints that are kept outside the database: what a rewritten or an older log does not agree with."""

import os
from pathlib import Path
from typing import Final

from rxauth.crypto.checkpoints import Checkpoint
from rxauth.domain import restoration

_LAST_BYTES: Final = 8_192


def last(file: Path) -> Checkpoint | None:
    """Returns the last checkpoint in the file; None: there is none."""
    try:
        with file.open("rb") as opened:
            opened.seek(max(0, opened.seek(0, os.SEEK_END) - _LAST_BYTES))
            return restoration.last_checkpoint(opened.read().decode(errors="replace"))
    except FileNotFoundError:
        return None


def append(file: Path, note: str) -> None:
    """Adds a note and an empty line, in one write that is on the disk when this returns."""
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, f"{note}\n".encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
