"""The guide to watching rxauth says what the code logs, and asks for figures that there are."""

import ast
import re
from pathlib import Path

import rxauth
from rxauth.edge.queue_figures import QueueFigures
from tests.contract.test_docs import DOCS, table
from tests.live import Live

GUIDE = DOCS / "guides" / "observe.md"
LEVELS = {"debug", "info", "warning", "error", "critical"}


def logged(path: Path) -> set[tuple[str, str]]:
    """Returns the events that a module logs, with their levels; a level that is chosen when it happens is `None`."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        called, told = ast.unparse(node.func), ast.unparse(node.args[0])
        logger, _, level = called.rpartition(".")
        if logger.endswith("_log") and level in LEVELS:
            found |= {(event, level) for event in re.findall(r"'(\w+)'", told)}
    return found


def test_every_event_that_is_logged_is_documented_with_its_level() -> None:
    source = Path(rxauth.__file__).parent
    in_code = {one for path in source.rglob("*.py") for one in logged(path)}
    rows = table(GUIDE, "All log events")
    assert len(rows) == len({event for event, _, _ in rows})
    assert {(event.strip("`"), level) for event, level, _ in rows} == in_code


def test_every_alarm_is_on_figures_and_events_that_there_are(sqlite_live: Live) -> None:
    QueueFigures(sqlite_live.server.database, sqlite_live.clock, sqlite_live.edge.metrics)
    collected = sqlite_live.edge.metrics.registry.collect()
    figures = {f"{one.name}_total" if one.type == "counter" else one.name for one in collected}
    events = {event for event, _, _ in table(GUIDE, "All log events")}
    named = {name for when, _ in table(GUIDE, "What to alarm on") for name in re.findall(r"rxauth_\w+", when)}
    assert named
    assert named <= figures
    told = {
        f"`{name}`"
        for row in table(GUIDE, "What to alarm on")
        for name in re.findall(r"`([a-z]+(?:_[a-z]+)+)`", " ".join(row))
    }
    assert told - {f"`{one}`" for one in figures} <= events
