"""The log: one JSON object a line on standard error, with identifiers and codes and nothing personal."""

import logging
import sys
import traceback
from typing import TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger


class _StandardError:
    """Standard error as it is when a line is written: whoever redirects it is heeded."""

    def write(self, text: str) -> int:
        """Writes some of a line."""
        return sys.stderr.write(text)

    def flush(self) -> None:
        """Sends what was written on its way."""
        sys.stderr.flush()


def configure() -> None:
    """Sets up the log of this process; what libraries log from WARNING on goes the same way."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", _StandardError())),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(_StandardError())
    renderer = structlog.processors.JSONRenderer()
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(renderer, foreign_pre_chain=[*shared, _shown]))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def frames(error: BaseException) -> list[str]:
    """Returns where an exception went through. Its text stays out of the log: it may quote a secret or a patient."""
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]


def _shown(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Says of an exception that a library logs what it is and where it happened."""
    _, error, _ = event.pop("exc_info", None) or (None, None, None)
    return event if error is None else {**event, "error": type(error).__name__, "frames": frames(error)}
