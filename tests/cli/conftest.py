"""What the tests of the command line may ask for."""

import pytest

from tests.cli.command_line import CommandLine


@pytest.fixture
def command_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """The command line inside this process."""
    return CommandLine(monkeypatch, capsys)
