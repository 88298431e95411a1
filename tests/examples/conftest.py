"""A sandbox to run the examples beside, and a folder from which they find it, as one where `make run` was typed."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from rxauth.testing import RunningSandbox

EXAMPLES: Final = Path(__file__).parents[2] / "examples"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an example is started: in a folder that has the sandbox."""

    sandbox: RunningSandbox
    folder: Path

    def environment(self, **more: str) -> dict[str, str]:
        """Returns the variables that an example is started with."""
        given = {name: value for name, value in os.environ.items() if not name.startswith("RXAUTH_")}
        return given | {"PYTHON": sys.executable} | more


@pytest.fixture(scope="session")
def place(rxauth_sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """One sandbox for all of the examples' tests: the one that everybody's tests have."""
    folder = tmp_path_factory.mktemp("project")
    (folder / ".rxauth").symlink_to(rxauth_sandbox.folder)
    return Place(rxauth_sandbox, folder)
