"""`keys`: what each command prints, and when a rotation has to wait."""

import re

from tests.cli.command_line import CommandLine
from tests.live import run
from tests.world import World


def listed(world: World, algorithm: str = "RS256") -> list[list[str]]:
    """Returns the rows of `keys list` for one algorithm."""
    done = run(world.settings, "keys", "list")
    assert (done.returncode, done.stderr) == (0, "")
    header, *rows = [re.split(" {2,}", line) for line in done.stdout.splitlines()]
    assert header == ["KEY", "ALGORITHM", "STATE", "MADE", "VERIFIES UNTIL", "KEPT IN"]
    assert {(row[2] in {"current", "next"}, row[5]) for row in rows} <= {(True, "database"), (False, "-")}
    return [row[:5] for row in rows if row[1] == algorithm]


def test_keys_are_listed_and_rotated(sqlite_world: World) -> None:
    current, coming = sqlite_world.current_key.key_id, sqlite_world.next_key.key_id
    before = {key: (state, until) for key, _, state, _, until in listed(sqlite_world)}
    assert before == {current: ("current", "-"), coming: ("next", "-")}

    done = run(sqlite_world.settings, "keys", "rotate")
    sentence = r"(\S+) signs from now on\. (\S+) goes on verifying what it signed\. (\S+) is published next\."
    said = re.match(sentence, done.stdout)
    assert said is not None
    assert (done.returncode, done.stderr) == (0, "")
    assert len(re.findall(sentence, done.stdout)) == 3
    for algorithm in ("ES256", "EdDSA"):
        assert sorted(state for _, _, state, _, _ in listed(sqlite_world, algorithm)) == ["current", "next", "previous"]
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
    assert printed.count("  previous  ") == 3


def test_a_private_key_is_kept_sealed_and_dropped_when_it_signs_no_more(
    command_line: CommandLine, sqlite_world: World
) -> None:
    assert command_line(sqlite_world.settings, "keys", "rotate")[0] == 0
    database = sqlite_world.open()
    rows = database.read(lambda tx: tx.connection.exec_driver_sql("SELECT id, sealed_private FROM signing_keys").all())
    database.close()
    sealed = {row.id: row.sealed_private for row in rows}
    assert len(sealed) == 9
    assert sum(one is None for one in sealed.values()) == 3
    assert sealed.pop(sqlite_world.current_key.key_id) is None
    assert all(sqlite_world.next_key.to_der() not in (one or b"") for one in sealed.values())


def test_a_key_that_leaked_is_removed_and_it_is_said_what_clients_will_see(
    command_line: CommandLine, sqlite_world: World
) -> None:
    current, coming = sqlite_world.current_key.key_id, sqlite_world.next_key.key_id
    code, printed, error = command_line(sqlite_world.settings, "keys", "remove", current)
    first, *rest = printed.splitlines()
    assert (code, error) == (0, "")
    assert re.fullmatch(rf"{current} is removed\. {coming} signs from now on\. \S+ is published next\.", first)
    assert rest == [
        "",
        "Within a second, every process refuses what was signed with a key that is removed: 401 invalid_token.",
        "Machines get new tokens with their secrets, apps with their refresh tokens: nobody has to sign in again.",
        "APIs that check tokens by themselves accept the old ones for up to 300 s, unless you restart them.",
    ]
    states = {key: state for key, _, state, _, _ in listed(sqlite_world)}
    assert (states[current], states[coming], sorted(states.values())[1]) == ("removed", "current", "next")

    _, printed, _ = command_line(sqlite_world.settings, "keys", "remove", coming)
    assert "was published a short time ago: until 20" in printed
    assert "APIs that check tokens by themselves may refuse new ones." in printed
    [said] = command_line.fail(sqlite_world.settings, "keys", "remove", current)
    assert said == f"the key {current} was removed already"


def test_a_next_key_is_replaced_and_no_client_sees_anything(command_line: CommandLine, sqlite_world: World) -> None:
    coming = sqlite_world.next_key.key_id
    _, printed, _ = command_line(sqlite_world.settings, "keys", "remove", coming)
    assert re.fullmatch(rf"{coming} is removed; it had signed nothing\. \S+ is published next\.\n", printed)
    assert command_line(sqlite_world.settings, "keys", "rotate")[0] == 1


def test_an_identifier_may_look_like_options(command_line: CommandLine, sqlite_world: World) -> None:
    for odd in ("-h_identifier", "--help-or-not", "-"):
        assert command_line.fail(sqlite_world.settings, "keys", "remove", odd) == [f"there is no key {odd}"]
    assert "Take keys out of use" in command_line(sqlite_world.settings, "keys", "remove", "--help")[1]
