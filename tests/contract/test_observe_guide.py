"""The guide to watching rxauth says what the code logs, and asks for figures that there are."""

import ast
import json
import re
from pathlib import Path

import yaml

import rxauth
from rxauth.edge.queue_figures import QueueFigures
from tests.contract.test_docs import DOCS, ROOT, as_lines, code, table
from tests.live import Live

GUIDE = DOCS / "guides" / "observe.md"
PROMETHEUS = ROOT / "deploy" / "prometheus"
# A figure, as an expression of Prometheus asks for it, and what it asks of the labels.
ASKED = re.compile(r"\b((?:rxauth|process)_\w+?)(?:_bucket|_sum|_count)?(?:\{([^}]*)\})?(?=[\s)\[]|$)")
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


def test_the_alarms_are_those_of_the_rules() -> None:
    rules = yaml.safe_load((PROMETHEUS / "alerts.yaml").read_text())["groups"][0]["rules"]
    expected = [
        (code(one["alert"]), code(one["expr"]), one.get("for", ""), one["annotations"]["summary"]) for one in rules
    ]
    assert as_lines(table(GUIDE, "What to alarm on")) == as_lines(expected)


def test_alarms_and_dashboard_ask_for_figures_and_labels_that_there_are(sqlite_live: Live) -> None:
    QueueFigures(sqlite_live.server.database, sqlite_live.clock, sqlite_live.edge.metrics)
    labels = {name.strip("`"): set(re.findall(r"`(\w+)`", cell)) for name, _, cell, _ in table(GUIDE, "All figures")}
    dashboard = json.loads((PROMETHEUS / "dashboard.json").read_text())
    rules = yaml.safe_load((PROMETHEUS / "alerts.yaml").read_text())["groups"][0]["rules"]
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked += [one["expr"] for one in rules]
    for expression in asked:
        found = re.findall(
            r"\b((?:rxauth|process)_\w+?)(?:_bucket|_sum|_count)?(?:\{([^}]*)\})?(?=[\s)\[]|$)", expression
        )
        assert found, expression
        for name, matchers in found:
            assert name in labels, expression
            assert set(re.findall(r"(\w+)=", matchers)) <= labels[name] | {"job"}, expression
        by = {one for group in re.findall(r"by \(([^)]*)\)", expression) for one in group.split(", ")}
        assert by <= {one for name, _ in found for one in labels[name]} | {"le", "instance"}, expression


def test_the_dashboard_s_panels_lie_beside_each_other() -> None:
    panels = json.loads((PROMETHEUS / "dashboard.json").read_text())["panels"]
    places = [(one["gridPos"]["x"], one["gridPos"]["y"]) for one in panels]
    assert len(set(places)) == len(places)
    assert len({one["id"] for one in panels}) == len({one["title"] for one in panels}) == len(panels)
