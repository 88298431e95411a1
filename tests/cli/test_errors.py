"""What users can mend is one sentence, without a traceback: settings, ports, databases, keys."""

import base64
import socket
from pathlib import Path

import pytest

from tests.cli.command_line import CommandLine
from tests.live import environment, free_port, run
from tests.storage.test_database import cut_off
from tests.world import World

OTHER_KEY = base64.b64encode(bytes(32)).decode()


def test_an_error_of_the_program_itself_has_no_traceback(sqlite_world: World) -> None:
    done = run(sqlite_world.settings, "clients", "disable", "nobody")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "error: there is no client nobody\n")


def test_every_problem_of_the_settings_is_a_sentence(command_line: CommandLine, sqlite_world: World) -> None:
    command_line.unset("RXAUTH_SEALING_KEY")
    said = command_line.fail(
        sqlite_world.settings,
        "serve",
        RXAUTH_ISSUER="http://auth.example.com",
        RXAUTH_LISTEN_PORT="http",
        RXAUTH_AUDIENCES="x",
    )
    assert said == [
        "RXAUTH_AUDIENCES is no setting. Did you mean RXAUTH_AUDIENCE?",
        "RXAUTH_ISSUER must be https, except on this machine itself",
        "RXAUTH_SEALING_KEY is not set. 32 random bytes in base64 that seal private keys in the database.",
        "RXAUTH_LISTEN_PORT must be a whole number from 1 to 65535",
        "See docs/settings.md. To try rxauth without settings, run `rxauth sandbox`.",
    ]


@pytest.mark.parametrize("command", ["serve", "migrate", "organizations list", "keys rotate", "explain x"])
def test_a_command_without_settings_says_which_it_needs(
    command_line: CommandLine, sqlite_world: World, tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = [name for name in environment(sqlite_world.settings) if name.startswith("RXAUTH_")]
    monkeypatch.chdir(tmp_path)
    for name in (*given, "RXAUTH_LISTEN_PORT"):
        command_line.unset(name)
    said = command_line.fail(sqlite_world.settings, *command.split())
    assert len(said) == 5
    assert said[0].startswith("RXAUTH_ISSUER is not set.")


def test_a_port_in_use_is_a_sentence(command_line: CommandLine, sqlite_world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = command_line.fail(sqlite_world.settings, "serve", RXAUTH_LISTEN_PORT=port)
    assert said == [
        f"cannot listen on 127.0.0.1:{port}: Address already in use.",
        "       Stop what listens there, or choose another port.",
    ]


@pytest.mark.parametrize("host", ["nowhere.invalid", "192.0.2.1"])
def test_an_address_that_is_not_ours_is_a_sentence(command_line: CommandLine, sqlite_world: World, host: str) -> None:
    assert command_line.fail(sqlite_world.settings, "serve", RXAUTH_LISTEN_HOST=host)[0].startswith(
        f"cannot listen on {host}:"
    )


@pytest.mark.parametrize("command", ["serve", "organizations list", "migrate"])
def test_a_database_that_is_down_is_a_sentence(
    command_line: CommandLine, world: World, command: str, tmp_path: Path
) -> None:
    if world.settings.database_url.startswith("sqlite"):
        nowhere = f"sqlite:///{tmp_path / 'nowhere' / 'rxauth.sqlite'}"
        [said] = command_line.fail(
            world.settings, *command.split(), RXAUTH_DATABASE_URL=nowhere, RXAUTH_OWNER_DATABASE_URL=nowhere
        )
    else:
        with cut_off(world):
            [said] = command_line.fail(world.settings, *command.split())
    assert said.startswith("The database cannot be reached (")


def test_a_database_that_never_was_is_a_sentence_without_the_password(
    command_line: CommandLine, sqlite_world: World
) -> None:
    url = f"postgresql://rxauth:hunter2@127.0.0.1:{free_port()}/rxauth"
    [said] = command_line.fail(sqlite_world.settings, "organizations", "list", RXAUTH_DATABASE_URL=url)
    assert said.startswith("The database cannot be reached (")
    assert "hunter2" not in said


@pytest.mark.parametrize("command", ["serve", "explain x"])
def test_another_sealing_key_is_a_sentence(command_line: CommandLine, sqlite_world: World, command: str) -> None:
    said = command_line.fail(sqlite_world.settings, *command.split(), RXAUTH_SEALING_KEY=OTHER_KEY)
    assert said == ["RXAUTH_SEALING_KEY is not the key that the signing keys in the database were sealed with."]


def test_keys_are_listed_without_the_sealing_key_for_the_list_opens_none(
    command_line: CommandLine, sqlite_world: World
) -> None:
    code, printed, _ = command_line(sqlite_world.settings, "keys", "list", RXAUTH_SEALING_KEY=OTHER_KEY)
    assert (code, sqlite_world.current_key.key_id in printed) == (0, True)


def test_a_rotation_with_another_sealing_key_is_refused_before_it_locks_everybody_out(
    command_line: CommandLine, sqlite_world: World
) -> None:
    said = command_line.fail(sqlite_world.settings, "keys", "rotate", RXAUTH_SEALING_KEY=OTHER_KEY)
    assert said == ["RXAUTH_SEALING_KEY is not the key that the signing keys in the database were sealed with."]


def test_a_settings_file_that_is_not_there_is_a_sentence(command_line: CommandLine, sqlite_world: World) -> None:
    said = command_line.fail(sqlite_world.settings, "serve", RXAUTH_SETTINGS_FILE="/nowhere/rxauth.toml")
    assert said[0].startswith("RXAUTH_SETTINGS_FILE: /nowhere/rxauth.toml cannot be read: ")


def test_a_server_that_is_not_there_is_a_sentence(command_line: CommandLine, sqlite_world: World) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    [said] = command_line.fail(sqlite_world.settings, "token", "--client-id", "x", "--secret-file", "-", "--url", url)
    assert said == f"{url} does not answer (ConnectError): is the server running?"
