"""Where a run puts what it writes: in memory, where no commit waits for a disk, when there is room."""

import os
import shutil
import tempfile
from pathlib import Path

_IN_MEMORY = Path("/dev/shm")
_ENOUGH_BYTES = 2 << 30


class Folder:
    """A folder for temporary files of this process and of those that it starts, thrown away after the run."""

    def __init__(self) -> None:
        is_there = _IN_MEMORY.is_dir() and shutil.disk_usage(_IN_MEMORY).free >= _ENOUGH_BYTES
        self._path = Path(tempfile.mkdtemp(prefix="rxauth-tests-", dir=_IN_MEMORY if is_there else None))
        self._path.chmod(0o711)  # PostgreSQL may run as somebody else, and passes through
        os.environ["TMPDIR"] = str(self._path)
        tempfile.tempdir = None  # it is asked for anew

    def remove(self) -> None:
        """Removes the folder and what is in it."""
        shutil.rmtree(self._path, ignore_errors=True)
