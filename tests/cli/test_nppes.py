"""The national register on the command line: imported, cut off, imported again, looked into."""

from pathlib import Path

import pytest

from rxauth.domain import nppes, nppes_imports
from rxauth.domain.audit import Event
from rxauth.domain.nppes_file import COLUMNS
from tests.cli.command_line import CommandLine
from tests.domain.test_audit import entries
from tests.domain.test_nppes_file import MAYA, line, of
from tests.world import World

BIRCH = {"NPI": "1558598797", "Entity Type Code": "2"}
GONE = {"NPI": "1245319599", "NPI Deactivation Date": "05/01/2019"}
EVENTS = (Event.NPPES_IMPORT_BEGUN, Event.NPPES_IMPORTED)


def register(folder: Path, *people: dict[str, str], tail: str = "") -> str:
    """Writes a file of the register; returns its path."""
    file = folder / "npidata_pfile.csv"
    file.write_text(line(COLUMNS) + "".join(line(of(one, COLUMNS)) for one in people) + tail)
    return str(file)


def last_import(world: World) -> nppes_imports.Import | None:
    """Returns the import that was begun last."""
    database = world.open()
    found = database.read(nppes_imports.last)
    database.close()
    return found


def test_a_file_is_imported_and_shown(world: World, command_line: CommandLine, tmp_path: Path) -> None:
    file = register(tmp_path, MAYA, BIRCH, GONE)

    assert command_line(world.settings, "nppes", "import", file) == (0, "3 lines of the register were imported.\n", "")

    shown = [command_line(world.settings, "nppes", "show", one["NPI"]) for one in (MAYA, BIRCH, GONE)]
    assert [(code, error) for code, _, error in shown] == [(0, "")] * 3
    lines = [printed.splitlines()[1].split("  ") for _, printed, _ in shown]
    cells = [[cell.strip() for cell in row if cell.strip()][1:-1] for row in lines]
    assert cells[0] == ["individual", "okonkworeyes, maya", "active"]
    assert cells[1] == ["organization", "active"]
    assert cells[2] == ["-", "deactivated on 2019-05-01"]


def test_an_npi_that_is_not_there_is_not_verified(sqlite_world: World, command_line: CommandLine) -> None:
    (said,) = command_line.fail(sqlite_world.settings, "nppes", "show", "1234567893")
    assert said == nppes.REASONS[nppes.Problem.NOT_VERIFIED]


def test_a_later_file_replaces_what_it_names_and_leaves_the_others(
    world: World, command_line: CommandLine, tmp_path: Path
) -> None:
    command_line(world.settings, "nppes", "import", register(tmp_path, MAYA, BIRCH))
    later = {"NPI": MAYA["NPI"], "NPI Deactivation Date": "11/20/2026"}
    command_line(world.settings, "nppes", "import", register(tmp_path, MAYA, later))

    _, maya, _ = command_line(world.settings, "nppes", "show", MAYA["NPI"])
    _, birch, _ = command_line(world.settings, "nppes", "show", BIRCH["NPI"])
    assert "deactivated on 2026-11-20" in maya
    assert "active" in birch


def test_an_import_that_met_a_broken_line_is_known_as_half_until_one_ends(
    world: World, command_line: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rxauth.cli.nppes._BATCH", 1)
    file = register(tmp_path, MAYA, BIRCH, tail='"broken\n')

    assert command_line.fail(world.settings, "nppes", "import", file)[0].startswith("line 4: the table is broken")

    half = last_import(world)
    assert half is not None
    assert (half.lines, half.ended_at) == (2, None)
    code, printed, warned = command_line(world.settings, "nppes", "show", MAYA["NPI"])
    assert (code, "individual" in printed) == (0, True)
    assert warned.endswith("has not ended: import the file again.\n")

    command_line(world.settings, "nppes", "import", register(tmp_path, MAYA, BIRCH))
    whole = last_import(world)
    assert whole is not None
    assert whole.ended_at is not None
    assert command_line(world.settings, "nppes", "show", MAYA["NPI"])[2] == ""
    recorded = [(one["event"], one["target"], one["reason"], one.get("lines")) for one in entries(world, *EVENTS)]
    assert recorded == [
        ("nppes.import_begun", half.id, None, None),
        ("nppes.imported", half.id, "broken_file", 2),
        ("nppes.import_begun", whole.id, None, None),
        ("nppes.imported", whole.id, None, 2),
    ]


def test_a_broken_line_takes_its_batch_with_it(sqlite_world: World, command_line: CommandLine, tmp_path: Path) -> None:
    command_line.fail(sqlite_world.settings, "nppes", "import", register(tmp_path, MAYA, tail="more\n"))
    half = last_import(sqlite_world)
    assert half is not None
    assert half.lines == 0


def test_progress_is_told(
    sqlite_world: World, command_line: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rxauth.cli.nppes._BATCH", 1)
    monkeypatch.setattr("rxauth.cli.nppes._TELL_EVERY", 2)
    code, _, told = command_line(sqlite_world.settings, "nppes", "import", register(tmp_path, MAYA, BIRCH, GONE))
    assert code == 0
    assert told.startswith("2 lines, ")
    assert told.count("\n") == 1
