"""What libraries log has the form of our own lines, and quotes nothing."""

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest

from rxauth import logs


@pytest.fixture
def configured() -> Iterator[None]:
    """The log set up as a server does, and as it was again."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers = []
    logs.configure()
    yield
    root.handlers, root.level = before, level


@pytest.mark.usefixtures("configured")
def test_of_an_exception_a_library_logs_its_name_and_its_way_but_not_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    log = logging.getLogger("a.library")
    try:
        raise ValueError("nobody may see this")
    except ValueError:
        log.exception("it %s", "failed")
    log.warning("it goes on")
    first, second = map(json.loads, written.getvalue().splitlines())
    assert (first["event"], first["level"], first["error"]) == ("it failed", "error", "ValueError")
    assert "test_of_an_exception" in first["frames"][0]
    assert set(second) == {"event", "level", "timestamp"}
    assert "nobody" not in written.getvalue()
