"""Help: every command teaches what it does, and none of it waits for a library."""

import subprocess
import sys

import pytest

from tests.live import rxauth_program

COMMANDS = {
    "sandbox": [],
    "pharmacy": [],
    "serve": [],
    "migrate": [],
    "doctor": [],
    "restored": [],
    "organizations": ["create", "list", "disable", "enable", "sign-in", "provider-rules"],
    "people": ["invite", "list", "disable", "reset-factors", "import"],
    "providers": [
        "propose",
        "change",
        "restore",
        "approve",
        "reject",
        "suspend",
        "revoke",
        "limit",
        "show",
        "list",
    ],
    "clients": ["create", "list", "rotate-secret", "revoke-secret", "revoke-tokens", "disable"],
    "audiences": ["add", "list"],
    "webhooks": ["list", "deliveries", "redeliver"],
    "nppes": ["import", "show"],
    "reference": ["import"],
    "operators": ["add", "list", "remove"],
    "keys": ["list", "rotate", "remove"],
    "audit": ["verify", "export", "prove", "access", "rotate-key", "erase"],
    "token": [],
    "explain": [],
}
EVERY = [(), *((name,) for name in COMMANDS), *((name, part) for name, parts in COMMANDS.items() for part in parts)]
GROUPS = [(), *((name,) for name, parts in COMMANDS.items() if parts)]
HEAVY = {
    "alembic",
    "argon2",
    "bcrypt",
    "cryptography",
    "graphql",
    "httpx",
    "msgspec",
    "psycopg",
    "sqlalchemy",
    "starlette",
    "structlog",
    "uvicorn",
    "webauthn",
    "zxcvbn",
}
# Runs the command line as its program does, and then says which libraries it loaded.
PROGRAM = (
    "import sys; from rxauth.cli import main\ntry: main()\nfinally: print('LOADED', *sys.modules, file=sys.stderr)"
)


def rxauth(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the command line without any setting."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], env={}, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("words", EVERY, ids=lambda words: " ".join(words) or "rxauth")
def test_help_tells_what_a_command_does_and_loads_nothing(words: tuple[str, ...]) -> None:
    done = rxauth(*words, "--help")
    assert done.returncode == 0
    said, _, loaded = done.stderr.partition("LOADED")
    assert said == ""
    assert HEAVY & set(loaded.split()) == set()
    usage, what, *others = [line for line in done.stdout.splitlines() if line.strip()]
    assert usage.startswith("Usage: ")
    assert len(what.split()) >= 3
    assert not any(line.endswith("...") for line in others)  # a sentence that was cut short teaches nothing


@pytest.mark.parametrize("words", GROUPS, ids=lambda words: " ".join(words) or "rxauth")
def test_help_lists_every_command_there_is_and_no_other(words: tuple[str, ...]) -> None:
    listed = rxauth(*words, "--help").stdout.partition("Commands:\n")[2]
    names = [line.split()[0] for line in listed.splitlines() if line.startswith("  ") and line[2] != " "]
    assert sorted(names) == sorted(COMMANDS[words[0]] if words else COMMANDS)


@pytest.mark.parametrize("words", GROUPS, ids=lambda words: " ".join(words) or "rxauth")
def test_a_command_without_its_words_shows_the_help(words: tuple[str, ...]) -> None:
    done = rxauth(*words)
    assert done.returncode == 2
    assert "Usage: " in done.stdout + done.stderr


@pytest.mark.parametrize("words", [("servé",), ("clients", "destroy"), ("serve", "--port", "1"), ("explain",)])
def test_what_no_command_understands_is_a_usage_error(words: tuple[str, ...]) -> None:
    done = rxauth(*words)
    assert done.returncode == 2
    assert "Usage: " in done.stderr
    assert "Traceback" not in done.stderr


def test_the_program_is_installed_under_its_name_and_as_a_module() -> None:
    shown = [
        subprocess.run([*program, "--help"], capture_output=True, text=True, check=True).stdout
        for program in ([rxauth_program()], [sys.executable, "-m", "rxauth"])
    ]
    assert shown[0].splitlines()[2:] == shown[1].splitlines()[2:]
