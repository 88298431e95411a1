"""`operators`, and `organizations enable`: what only the command line does, and what it says."""

from rxauth.clock import Clock
from rxauth.domain import operators
from rxauth.domain.audit_sequencer import Sequencer
from tests.cli.command_line import CommandLine
from tests.domain.test_audit import entries
from tests.people import letters
from tests.world import World

OLGA = "olga@platform.example"
NAMED = ("--first-name", "Olga", "--last-name", "Petrov")


def test_an_operator_is_made_listed_and_removed_and_each_act_is_recorded(
    command_line: CommandLine, sqlite_world: World
) -> None:
    settings = sqlite_world.settings
    assert command_line(settings, "operators", "list")[1] == "There is none yet: rxauth operators add EMAIL\n"
    [said] = command_line.fail(settings, "operators", "add", OLGA)
    assert said.startswith("nobody who may sign in has this address")
    code, user_id, told = command_line(settings, "operators", "add", OLGA, *NAMED)
    assert (code, told) == (0, "The letter waits: set RXAUTH_SMTP_URL, and a running server sends it.\n")
    listed = command_line(settings, "operators", "list")[1]
    assert user_id.strip() in listed
    assert OLGA in listed
    code, removed, _ = command_line(settings, "operators", "remove", OLGA)
    assert (code, removed) == (0, f"{user_id.strip()} is no operator any longer.\n")
    assert command_line(settings, "operators", "add", OLGA)[0] == 0
    database = sqlite_world.open()
    assert [one.user_id for one in database.read(operators.all_of_them)] == [user_id.strip()]
    assert len(letters(database, sqlite_world, OLGA)) == 2
    database.close()
    found = entries(sqlite_world)
    assert [one["event"] for one in found] == ["operator.added", "operator.removed", "operator.added"]
    assert {(one["actor"]["kind"], one["actor"]["id"], one["target"]) for one in found} == {
        ("operator", None, user_id.strip())
    }


def test_an_organization_that_was_disabled_is_enabled_and_the_log_agrees(
    command_line: CommandLine, sqlite_world: World
) -> None:
    settings, owner = sqlite_world.settings, sqlite_world.birch.organization_id
    [said] = command_line.fail(settings, "organizations", "enable", owner)
    assert said == f"there is no organization {owner} that is disabled"
    assert command_line(settings, "organizations", "disable", owner)[0] == 0
    assert command_line(settings, "organizations", "enable", owner)[:2] == (0, f"{owner} is enabled.\n")
    assert [one["event"] for one in entries(sqlite_world)] == ["organization.disabled", "organization.enabled"]
    assert_intact(command_line, sqlite_world)
    assert command_line(settings, "organizations", "disable", owner)[0] == 0
    assert_intact(command_line, sqlite_world)


def assert_intact(command_line: CommandLine, world: World) -> None:
    """Numbers what waits, and verifies the log."""
    database = world.open()
    Sequencer(database, Clock(), world.settings.sealing_key, None).work_once(is_last=True)
    database.close()
    code, printed, _ = command_line(world.settings, "audit", "verify")
    assert code == 0, printed
