"""The log: one JSON object a line on standard error, with identifiers and codes and nothing personal."""

import json
import logging
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from rxauth.clock import Clock

_CLOCK: Final = Clock()


class Log:
    """What says an event, and what it is about."""

    def info(self, event: str, /, **about: object) -> None:
        """Says what is as it should be."""
        _write(_line(event, "info", about))

    def warning(self, event: str, /, **about: object) -> None:
        """Says what somebody should look at."""
        _write(_line(event, "warning", about))

    def error(self, event: str, /, **about: object) -> None:
        """Says what went wrong."""
        _write(_line(event, "error", about))


class _Formatter(logging.Formatter):
    """Gives what libraries log the same form; of an exception its name and its way, since its text may quote values."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns a line."""
        error = record.exc_info[1] if record.exc_info else None
        about = {} if error is None else {"error": type(error).__name__, "frames": frames(error)}
        return _line(record.getMessage(), record.levelname.lower(), about)


class _Handler(logging.Handler):
    """Writes to standard error as it is when a line is written: whoever redirects it is heeded."""

    def emit(self, record: logging.LogRecord) -> None:
        """Writes a line."""
        _write(self.format(record))


def configure() -> None:
    """Has what libraries log from WARNING on go the same way."""
    handler = _Handler()
    handler.setFormatter(_Formatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def frames(error: BaseException) -> list[str]:
    """Returns where an exception went through, without its text, which may quote what nobody may see."""
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]


def _line(event: str, level: str, about: Mapping[str, object]) -> str:
    now = datetime.fromtimestamp(_CLOCK.microseconds() / 1_000_000, UTC).isoformat().replace("+00:00", "Z")
    return json.dumps({**about, "event": event, "level": level, "timestamp": now}, default=repr)


def _write(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
