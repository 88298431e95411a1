"""No query of the clinical contract reads more rows as an organization grows: the plans of both engines say so.

Plans are read off an organization of some thousands, of whom PostgreSQL is told that they are a million.
"""

import json
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from bench.big.records import COLUMNS
from bench.big.size import Big, Size, fill
from sqlalchemy import event

from rxauth.api import clinical, contract
from rxauth.domain import patient_names
from rxauth.storage.engines import parse_url
from tests.api.clinical.test_statements import DOCUMENTS
from tests.api.every_query import Asked, every_query
from tests.conftest import make_world
from tests.live import Live
from tests.world import StandingClock, Template, World, postgres_socket

PATIENTS: Final = 3_000
FEW, SOME = 20, 150  # stand for the thousands that make them in an organization of a million
ROWS_LIMIT: Final = 2_000  # of one scan: a page, and what belongs to its rows
TIMES_LARGER: Final = 20
COMMON, USUAL, RARE, BOTH, NOBODY = "mar", "gar", "wexthorpe", "mar smi", "zzz"
NAMES: Final = (COMMON, USUAL, RARE, BOTH, NOBODY)
MODES: Final = ("sqlite", "postgresql", "postgresql, plans for any value")
_BOUND_BY: Final = re.compile(r"\b(id=|(patient|order|prescription|external)_id=|word>|start=|expiration_date<)")


@dataclass
class Loaded:
    """A server on a loaded organization, and the statements or plans that it used since `watched`."""

    live: Live
    token: str
    big: Big
    is_sqlite: bool
    seen: list[Any] = field(default_factory=list)

    @contextmanager
    def watched(self) -> Iterator[list[Any]]:
        """Collects what the requests of a block use."""
        self.seen.clear()
        yield self.seen

    def ask(self, document: str, variables: dict[str, Any] | None = None) -> Any:
        """Returns the data of a query."""
        return self.live.data(self.token, document, variables)


class Shelf:
    """The loaded organizations, one on each engine, and a server of each mode; made when they are first asked for."""

    def __init__(self, templates: dict[str, Template], factory: pytest.TempPathFactory) -> None:
        self._templates = templates
        self._factory = factory
        self._filled: dict[str, tuple[World, Big]] = {}
        self._serving: dict[str, Loaded] = {}

    def take(self, mode: str) -> Loaded:
        """Returns the server of a mode."""
        if mode not in self._serving:
            engine = mode.partition(",")[0]
            if engine not in self._filled:
                self._filled[engine] = self._fill(engine)
            self._serving[mode] = self._serve(*self._filled[engine], mode)
        return self._serving[mode]

    def stop(self) -> None:
        """Stops the servers."""
        for loaded in self._serving.values():
            loaded.live.stop()

    def _fill(self, engine: str) -> tuple[World, Big]:
        world = make_world(engine, self._templates, self._factory)
        settings = world.settings
        owner_url = settings.owner_database_url or settings.database_url
        size = Size(PATIENTS, organizations=12)
        organization_id = world.alder.organization_id
        big = fill(settings.database_url, owner_url, organization_id, size, StandingClock(), lambda _: None)
        if engine == "postgresql":
            _prepare(world)
        return world, big

    def _serve(self, world: World, big: Big, mode: str) -> Loaded:
        if mode != "sqlite":
            chosen = "auto" if mode == "postgresql" else "force_generic_plan"
            _administer(world, f"ALTER DATABASE {{}} SET plan_cache_mode = {chosen}")
        live = Live(world, StandingClock())
        loaded = Loaded(live, "", big, mode == "sqlite")
        _watch(loaded)
        loaded.token = live.token(world.alder)
        return loaded


@pytest.fixture(scope="module")
def shelf(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """The loaded organizations."""
    made = Shelf(templates, tmp_path_factory)
    yield made
    made.stop()


@pytest.fixture(params=MODES)
def loaded(request: pytest.FixtureRequest, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> Loaded:
    """The one of each mode in turn."""
    monkeypatch.setattr(patient_names, "FEW", FEW)
    monkeypatch.setattr(patient_names, "SOME", SOME)
    return shelf.take(request.param)


def _administer(world: World, statement: str) -> None:
    name = str(parse_url(world.settings.database_url).database)
    with psycopg.connect(host=postgres_socket(), user="postgres", dbname=name, autocommit=True) as connection:
        connection.execute(statement.format(name).encode())


def _prepare(world: World) -> None:
    """Has PostgreSQL tell the plans that it ran, and take the tables for larger ones than they are."""
    for name, value in (
        ("session_preload_libraries", "auto_explain"),
        ("auto_explain.log_min_duration", "0"),
        ("auto_explain.log_analyze", "on"),
        ("auto_explain.log_timing", "off"),
        ("auto_explain.log_format", "json"),
        ("auto_explain.log_level", "notice"),
    ):
        _administer(world, f"ALTER DATABASE {{}} SET {name} = '{value}'")
    names = ", ".join(f"'{one}'::regclass" for one in COLUMNS)
    these = f"oid IN ({names}) OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid IN ({names}))"
    _administer(world, f"UPDATE pg_class SET reltuples = reltuples * {TIMES_LARGER} WHERE {these}")


def _watch(loaded: Loaded) -> None:
    engine = loaded.live.server.database.engines.reader

    def hear(notice: psycopg.errors.Diagnostic) -> None:
        _, is_plan, plan = (notice.message_primary or "").partition("plan:\n")
        if is_plan:
            loaded.seen.append(json.loads(plan))

    def listen(connection: Any, entry: Any, _proxy: Any) -> None:
        if "heard" not in entry.info:
            connection.add_notice_handler(hear)
            entry.info["heard"] = True

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            loaded.seen.append((statement, parameters))

    if loaded.is_sqlite:
        event.listen(engine, "before_cursor_execute", note)
    else:
        event.listen(engine, "checkout", listen)  # some were connected before


def unbounded(loaded: Loaded, seen: Sequence[Any]) -> list[str]:
    """Returns what in the statements that were seen grows with the organization."""
    if not loaded.is_sqlite:
        return [complaint for one in seen for complaint in _of_plan(one["Plan"])]
    path = Path(str(parse_url(loaded.live.world.settings.database_url).database))
    connection = sqlite3.connect(path)
    try:
        return [complaint for one in dict(seen).items() for complaint in _of_statement(connection, *one)]
    finally:
        connection.close()


def _of_plan(node: dict[str, Any]) -> Iterator[str]:
    removed = sum(node.get(f"Rows Removed by {why}", 0) for why in ("Filter", "Index Recheck"))
    rows = (node["Actual Rows"] + removed) * max(1, node["Actual Loops"])
    name = node.get("Relation Name") or node.get("Index Name")
    if node.get("Relation Name") in COLUMNS and node["Node Type"] == "Seq Scan" and node["Actual Loops"]:
        yield f"reads all of {name}: {node.get('Filter')}"
    elif (name or node["Node Type"] == "Sort") and rows > ROWS_LIMIT:
        yield f"{node['Node Type']} of {rows} rows of {name}: {node.get('Index Cond')} {node.get('Filter')}"
    for child in node.get("Plans", ()):
        yield from _of_plan(child)


def _of_statement(connection: sqlite3.Connection, statement: str, parameters: Any) -> Iterator[str]:
    plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
    sorted_in = {parent for _, parent, _, step in plan if step.startswith("USE TEMP B-TREE")}
    for _, parent, _, step in plan:
        if not any(one in COLUMNS for one in step.split()):
            continue
        if step.startswith("SCAN"):
            yield f"{step} in {statement}"
        elif parent in sorted_in and not _BOUND_BY.search(step):
            yield f"{step}, then a sort, in {statement}"


def _values(loaded: Loaded) -> dict[str, Sequence[Any]]:
    """Returns what arguments and members of filters may be."""
    found = loaded.ask(
        "{ patients { id externalId } prescriptions { id } orders { id fills { id } } catalogs { id }"
        ' pharmacies { id } medications { id } medicationConcepts(name: "a") { id } }'
    )
    first = {name: found[name][0]["id"] for name in ("prescriptions", "orders", "catalogs", "pharmacies")}
    external = next(one["externalId"] for one in found["patients"] if one["externalId"])
    medication = found["medications"][0]["id"]
    middle = loaded.big.records.patient_id(PATIENTS // 2)
    return {
        "patient.id": [found["patients"][0]["id"], external, "nobody"],
        "prescription.id": [first["prescriptions"], "nothing"],
        "order.id": [first["orders"]],
        "fill.id": [found["orders"][0]["fills"][0]["id"]],
        "catalog.id": [first["catalogs"]],
        "pharmacy.id": [first["pharmacies"]],
        "id": [medication, found["medicationConcepts"][0]["id"]],
        "name": ["a", "zz", *NAMES],
        "patientName": NAMES,
        "patientId": [middle],
        "prescriberId": [loaded.big.prescriber_ids[0], loaded.big.prescriber_ids[-1], "nobody"],
        "patients.after": [middle],
        "prescriptions.after": [first["prescriptions"]],
        "orders.after": [first["orders"]],
        "pharmacies.after": [1],
        "after": [medication],
        "pharmacies.location": [{"latitude": 40.7, "longitude": -74.0, "radius": 50}],
        "medications.filter": [
            {"drug": {"name": "a", "code": "1"}},
            {"product": {"drug": medication}},
            {"package": {"product": medication}},
        ],
    }


def _every_query(loaded: Loaded) -> list[Asked]:
    return list(every_query(contract.schema(), list(clinical.BINDING.resolvers["Query"]), _values(loaded)))


def test_no_query_reads_more_rows_as_an_organization_grows(loaded: Loaded) -> None:
    complaints = []
    asked = _every_query(loaded)
    with loaded.watched() as seen:
        for one in asked:
            seen.clear()
            loaded.ask(one.text, one.variables)
            complaints += [f"{one}: {complaint}" for complaint in unbounded(loaded, seen)]

    assert {one.field for one in asked} == set(clinical.BINDING.resolvers["Query"])
    assert complaints == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_belongs_to_a_page_is_read_by_its_rows(loaded: Loaded, name: str) -> None:
    with loaded.watched() as seen:
        loaded.ask(DOCUMENTS[name], {"first": 25})

    assert unbounded(loaded, seen) == []
    assert seen
