"""The systemd units: whole, hardened, and of commands that exist."""

import re
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rxauth.cli import app
from tests.contract.test_docs import ROOT
from tests.live import rxauth_program

FOLDER = ROOT / "deploy" / "systemd"
SERVICES = sorted(FOLDER.glob("*.service"))
INSTALLED = "/opt/rxauth/bin/rxauth"
EXPOSURE_LIMIT = 15  # tenths, of 100


def systemd_analyze(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Runs the checker, which needs no systemd that runs."""
    written = [str(one) for one in arguments]
    return subprocess.run(["systemd-analyze", *written], capture_output=True, text=True, check=False, timeout=60)


def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    for unit in [*SERVICES, *FOLDER.glob("*.timer")]:
        (tmp_path / unit.name).write_text(unit.read_text().replace(INSTALLED, rxauth_program()))
    done = systemd_analyze("verify", "--man=no", *sorted(tmp_path.iterdir()))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_systemd_would_find_something_wrong(tmp_path: Path) -> None:
    shutil.copy(SERVICES[0], tmp_path)
    done = systemd_analyze("verify", "--man=no", tmp_path / SERVICES[0].name)
    assert done.returncode != 0
    assert f"{INSTALLED} is not executable" in done.stderr


@pytest.mark.parametrize("unit", SERVICES, ids=lambda path: path.stem)
def test_a_unit_is_exposed_to_little(unit: Path) -> None:
    done = systemd_analyze("security", "--offline=yes", f"--threshold={EXPOSURE_LIMIT}", "--no-pager", unit)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("unit", SERVICES, ids=lambda path: path.stem)
def test_a_unit_runs_a_command_that_exists(unit: Path) -> None:
    [command] = re.findall(rf"^ExecStart={INSTALLED} (.+)$", unit.read_text(), re.MULTILINE)
    words = [word for word in command.split() if not word.startswith("-") and not word.isdigit()]
    shown = CliRunner().invoke(app, [*words, "--help"])
    assert shown.exit_code == 0
    assert [one for one in re.findall(r"--[a-z-]+", command) if one not in shown.output] == []


def test_every_unit_is_confined_alike_and_only_one_knows_the_owner_s_password() -> None:
    after = {
        unit.name: unit.read_text().partition("# Nothing but its own state")[2].partition("[Install]")[0].strip()
        for unit in SERVICES
    }
    assert len(set(after.values())) == 1
    assert next(iter(after.values()))
    assert [unit.name for unit in SERVICES if "owner.env" in unit.read_text()] == ["rxauth-migrate.service"]


def test_every_timer_starts_a_service_that_exists() -> None:
    timers = list(FOLDER.glob("*.timer"))
    assert timers
    for timer in timers:
        assert timer.with_suffix(".service") in SERVICES
        parser = ConfigParser(interpolation=None)
        parser.read(timer)
        when = parser["Timer"]["OnCalendar"]
        assert systemd_analyze("calendar", when).returncode == 0
