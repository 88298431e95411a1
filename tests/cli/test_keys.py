"""`keys`: what each command prints, and when a rotation has to wait."""

import re

from tests.cli.command_line import CommandLine
from tests.live import run
from tests.world import World


def listed(world: World) -> list[list[str]]:
    """Returns the rows of `keys list`."""
    done = run(world.settings, "keys", "list")
    assert (done.returncode, done.stderr) == (0, "")
    header, *rows = [re.split(" {2,}", line) for line in done.stdout.splitlines()]
    assert header == ["KEY", "ALGORITHM", "STATE", "MADE", "VERIFIES UNTIL"]
    return rows


def test_keys_are_listed_and_rotated(sqlite_world: World) -> None:
    current, coming = sqlite_world.current_key.key_id, sqlite_world.next_key.key_id
    before = {key: (state, until) for key, _, state, _, until in listed(sqlite_world)}
    assert before == {current: ("current", "-"), coming: ("next", "-")}

    done = run(sqlite_world.settings, "keys", "rotate")
    said = re.fullmatch(
        r"(\S+) signs from now on\. (\S+) goes on verifying what it signed\. (\S+) is published next\.\n", done.stdout
    )
    assert said is not None
    assert (done.returncode, done.stderr) == (0, "")
    assert said.groups()[:2] == (coming, current)

    after = {key: (state, until) for key, _, state, _, until in listed(sqlite_world)}
    assert {key: state for key, (state, _) in after.items()} == {
        current: "previous",
        coming: "current",
        said[3]: "next",
    }
    assert after[current][1].endswith("UTC")


def test_a_key_that_was_just_published_does_not_sign_yet(command_line: CommandLine, sqlite_world: World) -> None:
    assert command_line(sqlite_world.settings, "keys", "rotate")[0] == 0
    [said] = command_line.fail(sqlite_world.settings, "keys", "rotate")
    assert re.fullmatch(r"the next key was published \d+ s ago, .* rotate again in \d+ s", said)
    _, printed, _ = command_line(sqlite_world.settings, "keys", "list")
    assert printed.count("  previous  ") == 1


def test_a_private_key_is_kept_sealed_and_dropped_when_it_signs_no_more(
    command_line: CommandLine, sqlite_world: World
) -> None:
    assert command_line(sqlite_world.settings, "keys", "rotate")[0] == 0
    database = sqlite_world.open()
    rows = database.read(lambda tx: tx.connection.exec_driver_sql("SELECT id, sealed_private FROM signing_keys").all())
    database.close()
    sealed = {row.id: row.sealed_private for row in rows}
    assert len(sealed) == 3
    assert sealed.pop(sqlite_world.current_key.key_id) is None
    assert all(one is not None and sqlite_world.next_key.to_der() not in one for one in sealed.values())
