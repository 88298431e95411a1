"""What was logged while a test did something."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from typing import Any


@contextmanager
def capture_logs() -> Iterator[list[dict[str, Any]]]:
    """Collects the lines of a block; they are there when it is over."""
    logged: list[dict[str, Any]] = []
    written = io.StringIO()
    try:
        with redirect_stderr(written):
            yield logged
    finally:
        logged += [json.loads(line) for line in written.getvalue().splitlines() if line.startswith("{")]
