"""`doctor`: what it finds on an installation that is well, and each thing that it is there to find."""

import base64
import json
import os
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from rxauth.app import make_sequencer
from rxauth.clock import Clock
from rxauth.domain import mails
from rxauth.storage.engines import parse_url
from tests import postgres
from tests.cli.command_line import CommandLine
from tests.live import environment
from tests.softhsm import SoftHsm
from tests.world import World

# What the cluster of the tests is set to, because nothing there is worth keeping.
CARELESS = {"PostgreSQL's fsync is off.", "PostgreSQL's full_page_writes is off.", "PostgreSQL's autovacuum is off."}


def found(command_line: CommandLine, world: World, **variables: str) -> dict[str, str]:
    """Returns the level of each finding."""
    code, printed, _ = command_line(world.settings, "doctor", "--json", **variables)
    findings = json.loads(printed)
    assert all(one["mend"] for one in findings if one["level"] != "ok"), findings
    levels = {one["found"]: one["level"] for one in findings}
    assert code == ("problem" in levels.values())
    return levels


def problems(levels: dict[str, str]) -> set[str]:
    """Returns what is a problem of the installation, not of the tests' cluster."""
    return {said for said, level in levels.items() if level == "problem"} - CARELESS


def change(world: World, statement: str) -> None:
    """Changes the database as its owner can."""
    owner = create_engine(parse_url(world.settings.owner_database_url or world.settings.database_url))
    with owner.begin() as connection:
        connection.execute(text(statement))
    owner.dispose()


def test_an_installation_that_is_well_has_no_problem_but_advice(command_line: CommandLine, world: World) -> None:
    with closing(world.open()) as database:
        make_sequencer(world.settings, database, Clock()).work_once(is_last=True)
    levels = found(command_line, world)
    is_sqlite = world.settings.database_url.startswith("sqlite")
    assert problems(levels) == set()
    assert CARELESS.isdisjoint(levels) == is_sqlite
    assert (
        "PostgreSQL has no synchronous standby: what was acknowledged is lost with its disk." in levels
    ) != is_sqlite
    assert levels["The signing keys open with the sealing key."] == "ok"
    assert levels["Nobody verified the audit log in the last week."] == "warning"
    assert levels["No mail server is set: letters wait."] == "warning"
    assert levels["The installation has 0 operators."] == "warning"

    command_line(world.settings, "audit", "verify")
    code, printed, _ = command_line(world.settings, "doctor")
    assert code == (not is_sqlite)
    assert "ok       The audit log was verified in the last week.\n" in printed
    assert (
        "warning  No mail server is set: letters wait.\n         Set RXAUTH_SMTP_URL: docs/guides/people.md.\n"
        in printed
    )


def test_a_sealing_key_of_another_installation_is_found(command_line: CommandLine, world: World) -> None:
    other = base64.b64encode(os.urandom(32)).decode()
    [said] = problems(found(command_line, _numbered(world), RXAUTH_SEALING_KEY=other))
    assert said == "The sealing key is not the one that the signing keys were sealed with."


def test_what_waits_for_too_long_and_what_was_given_up_is_found(command_line: CommandLine, world: World) -> None:
    now = Clock().seconds()
    change(
        world,
        "INSERT INTO mails (id, sealed, created_at, attempts, next_attempt_at) VALUES"
        f" ('a', '', {now - mails.GIVEN_UP_AFTER_S - 1}, 9, 0), ('b', '', {now - 7_200}, 1, 0)",
    )
    levels = found(command_line, _numbered(world))
    assert levels["1 letters were given up."] == "warning"
    assert problems(levels) == {"1 letters wait."}


@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_server_that_owns_its_tables_is_warned(command_line: CommandLine, world: World) -> None:
    settings = replace(world.settings, database_url=str(world.settings.owner_database_url))
    levels = found(command_line, replace(world, settings=settings))
    said = "The server's role is the owner of the tables: whoever takes the server over can rewrite the audit log."
    assert levels[said] == "warning"


def test_tables_of_another_version_are_found(command_line: CommandLine, world: World) -> None:
    change(world, "UPDATE alembic_version SET version_num = '0000'")
    [said] = problems(found(command_line, world))
    assert said.startswith("The server does not start: the database has the tables of revision 0000")


@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_database_that_is_away_is_found(command_line: CommandLine, world: World) -> None:
    url = world.settings.database_url
    there = url.partition("?")[2]
    reasons = {
        "postgresql://nobody@/nothing?host=/nowhere": "nothing listens there",
        "postgresql://nobody@127.0.0.1:1/nothing": "nothing listens there",
        f"postgresql://nobody@/nothing?{there}": "it has no such role or database",
    }
    for wrong, reason in reasons.items():
        settings = replace(world.settings, database_url=wrong)
        [said] = problems(found(command_line, replace(world, settings=settings)))
        assert said == f"The database does not answer ({reason})."


@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_role_with_too_many_rights_or_too_few_is_found(command_line: CommandLine, world: World) -> None:
    url = _numbered(world).settings.database_url
    superuser = replace(world.settings, database_url=url.replace(postgres.SERVING, "postgres"))
    [said] = problems(found(command_line, replace(world, settings=superuser)))
    assert said.startswith("The server's role is a superuser, or has BYPASSRLS")
    change(world, f"REVOKE ALL ON audit_outbox FROM {postgres.SERVING}, {postgres.ACROSS}")
    assert problems(found(command_line, world)) == {"The server's role lacks rights that it needs."}


def test_a_settings_file_that_others_may_read_is_found(
    command_line: CommandLine, sqlite_world: World, tmp_path: Path
) -> None:
    file = tmp_path / "rxauth.toml"
    file.write_text(f'sealing_key = "{environment(sqlite_world.settings)["RXAUTH_SEALING_KEY"]}"\n')
    world = _numbered(sqlite_world)
    for mode, expected in (0o640, {f"Others may read {file}, which has the sealing key."}), (0o600, set()):
        file.chmod(mode)
        assert problems(found(command_line, world, RXAUTH_SETTINGS_FILE=str(file))) == expected
    file.chmod(0o440)  # as systemd's list of who may read it shows
    variables = {"RXAUTH_SETTINGS_FILE": str(file), "CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert problems(found(command_line, world, **variables)) == set()


def _numbered(world: World) -> World:
    """Has every record of a world numbered, as a running server does."""
    with closing(world.open()) as database:
        make_sequencer(world.settings, database, Clock()).work_once(is_last=True)
    return world


def test_it_says_whether_the_security_module_has_the_keys(
    command_line: CommandLine, sqlite_world: World, softhsm: SoftHsm, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "The security module has 0 signing keys." in found(command_line, sqlite_world, **softhsm.variables)
    assert command_line(sqlite_world.settings, "keys", "rotate", **softhsm.variables)[0] == 0
    assert "The security module has 3 signing keys." in found(command_line, sqlite_world, **softhsm.variables)
    softhsm.take_away()
    absent = problems(found(command_line, sqlite_world, **softhsm.variables))
    assert len(absent) == 3
    assert all(one.startswith("The security module does not answer, or has no pkcs11:token=rxauth;") for one in absent)
    for name in softhsm.variables:
        monkeypatch.delenv(name)
    without = "Signing keys are in a security module, and the settings name none: nothing is signed."
    assert problems(found(command_line, sqlite_world)) == {without}
