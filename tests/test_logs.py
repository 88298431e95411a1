"""The log's form: one object a line, of ours and of libraries alike."""

import io
import json
import logging
from contextlib import redirect_stderr
from datetime import datetime

from rxauth.logs import Log, _Formatter, frames
from tests.logged import capture_logs


def _failed() -> ValueError:
    try:
        raise ValueError("nobody may see this")
    except ValueError as error:
        return error


def test_a_line_says_the_event_and_what_it_is_about() -> None:
    written = io.StringIO()
    with redirect_stderr(written):
        Log().info("one", number=1, text="two\nlines")
        Log().warning("two", of=(1, None), what=ValueError)
        Log().error("three")
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    moments = [datetime.fromisoformat(line.pop("timestamp")) for line in lines]
    assert lines == [
        {"number": 1, "text": "two\nlines", "event": "one", "level": "info"},
        {"of": [1, None], "what": "<class 'ValueError'>", "event": "two", "level": "warning"},
        {"event": "three", "level": "error"},
    ]
    assert {str(moment.tzinfo) for moment in moments} == {"UTC"}


def test_of_an_exception_a_library_logs_its_name_and_its_way_but_not_its_text() -> None:
    error = _failed()
    known = frames(error)
    record = logging.LogRecord("a", logging.ERROR, "a.py", 1, "it %s", ("failed",), (ValueError, error, None))
    line = _Formatter().format(record)
    said = json.loads(line)
    assert (said["event"], said["level"], said["error"], said["frames"]) == ("it failed", "error", "ValueError", known)
    assert known[-1].endswith(" _failed")
    assert "nobody" not in line


def test_what_is_written_while_somebody_listens_is_heard() -> None:
    with capture_logs() as logged:
        Log().error("one", number=1)
    assert [(line["event"], line["number"]) for line in logged] == [("one", 1)]
