"""The log: one JSON object a line on standard error, with identifiers and codes and nothing personal."""

import logging
import sys
from typing import TextIO, cast

import structlog


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
    shared: list[structlog.typing.Processor] = [
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
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(renderer, foreign_pre_chain=shared))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
