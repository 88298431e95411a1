"""The commands of the guide to backups, run as they stand there on an installation on SQLite."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from rxauth.storage.engines import parse_url
from tests.live import environment, rxauth_program
from tests.world import World

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "backup.md"
EXPORT_OF_THE_GUIDE = "audit-2026-11-26.jsonl"


@pytest.mark.parametrize("engine", ["sqlite"])
def test_the_commands_of_the_guide_do_what_it_says(world: World, tmp_path: Path) -> None:
    copy, export, restored = re.findall(r"^ *```sh\n(.*?)\n *```", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    shutil.copy(str(parse_url(world.settings.database_url).database), tmp_path / "rxauth.sqlite")
    settings = environment(world.settings) | {"RXAUTH_DATABASE_URL": f"sqlite:///{tmp_path / 'rxauth.sqlite'}"}
    settings["PATH"] = f"{Path(rxauth_program()).parent}:{os.environ['PATH']}"

    def run(command: str) -> str:
        done = subprocess.run(
            ["bash", "-euc", command],
            cwd=tmp_path,
            env=settings,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    run(copy)
    [made] = re.findall(r"lines are in (audit-\d{4}-\d\d-\d\d\.jsonl)\.", run(export))
    (tmp_path / "backup.sqlite").rename(tmp_path / "rxauth.sqlite")
    said = run(restored.replace(EXPORT_OF_THE_GUIDE, made))
    assert said.endswith("Everybody signs in again; backends get new tokens with their secrets.\n")
