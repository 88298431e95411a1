"""The command line inside the process of the tests: what it costs to start one is not what every test is about."""

import io
import re
import sys

import pytest

from rxauth.cli import main
from rxauth.settings import Settings
from tests.live import environment, free_port


class CommandLine:
    """Runs commands as the program does, settings, input, output and exit code included."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self._unset: set[str] = set()

    def unset(self, variable: str) -> None:
        """Leaves a variable out of the environment of the commands to come."""
        self._unset.add(variable)

    def __call__(self, settings: Settings, *arguments: str, stdin: str = "", **variables: str) -> tuple[int, str, str]:
        """Runs a command; returns its exit code, and what it printed as its answer and as its errors."""
        given = {**environment(settings), "RXAUTH_LISTEN_PORT": str(free_port()), **variables}
        for name, value in given.items():
            if name not in self._unset:
                self._monkeypatch.setenv(name, value)
        self._monkeypatch.setattr(sys, "argv", ["rxauth", *arguments])
        self._monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as ended:
            main()
        printed = self._capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    def fail(self, settings: Settings, *arguments: str, stdin: str = "", **variables: str) -> list[str]:
        """Runs a command that must fail; returns the lines of its error, which is a few sentences."""
        code, printed, error = self(settings, *arguments, stdin=stdin, **variables)
        assert (code, printed) == (1, "")
        assert re.fullmatch(r"(?:error: [^\n]+\n(?: {7}[^\n]+\n)?)+", error), error
        return [line.removeprefix("error: ") for line in error.splitlines()]
