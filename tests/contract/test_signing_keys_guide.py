"""The guide of the signing keys: its commands are run as they stand, and say what it shows."""

import shlex
from pathlib import Path

import pytest

from tests.cli.command_line import CommandLine
from tests.contract.test_quickstart import ROOT, is_as_shown, run_and_compare, steps
from tests.flows.test_key_rotation import make_keys_old
from tests.live import environment, rxauth_program
from tests.world import World

MODULE = "## Keys in a security module"
GUIDE = ROOT / "docs" / "guides" / "signing-keys.md"


def test_the_commands_of_the_guide_say_what_it_shows(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], sqlite_world: World
) -> None:
    command_line = CommandLine(monkeypatch, capsys)
    text, _, _ = GUIDE.read_text().partition(MODULE)
    typed = steps(text.replace("KEY_ID", sqlite_world.next_key.key_id))  # after the rotation, it signs
    assert len(typed) == 3
    for step in typed:
        program, *arguments = shlex.split(step.command)
        code, printed, error = command_line(sqlite_world.settings, *arguments)
        assert (program, code, error) == ("rxauth", 0, "")
        assert step.output is None or is_as_shown(printed.strip(), step.output), printed
        make_keys_old(sqlite_world)


def test_softhsm_is_tried_as_the_guide_says(sqlite_world: World, tmp_path: Path) -> None:
    _, _, text = GUIDE.read_text().partition(MODULE)
    typed = steps(text)
    assert len(typed) == 1
    folder = str(Path(rxauth_program()).parent)
    environ = environment(sqlite_world.settings)
    assert run_and_compare(typed, tmp_path, environ | {"PATH": f"{folder}:{environ['PATH']}"}) == []
