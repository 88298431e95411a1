"""`clients` and `organizations`: what each command prints, and what it does."""

import re

import pytest

from rxauth.domain import clients, organizations
from rxauth.domain.clients import Client
from rxauth.policy.permissions import MACHINE_DEFAULT
from tests.cli.command_line import CommandLine
from tests.live import run
from tests.world import NOW, World

WARNING = "The secret is shown this once: only a digest of it is kept."


def load(world: World) -> Client:
    """Returns the client of the first organization."""
    database = world.open()
    client = database.read(lambda tx: clients.load(tx, world.alder.client_id))
    database.close()
    assert client is not None
    return client


def rows(command_line: CommandLine, world: World, *arguments: str) -> list[list[str]]:
    """Returns the cells of a table that a command prints."""
    code, printed, error = command_line(world.settings, *arguments)
    assert (code, error) == (0, "")
    return [re.split(" {2,}", line) for line in printed.splitlines()]


def test_organizations_are_listed_with_their_age(command_line: CommandLine, sqlite_world: World) -> None:
    header, *listed = rows(command_line, sqlite_world, "organizations", "list")
    assert header == ["ID", "NAME", "MADE", "DISABLED"]
    assert sorted(listed, key=lambda row: row[1]) == [
        [sqlite_world.alder.organization_id, "Alder Clinic", "2026-11-23 12:00:00 UTC", "-"],
        [sqlite_world.birch.organization_id, "Birch Clinic", "2026-11-23 12:00:00 UTC", "-"],
    ]


def test_a_disabled_organization_is_marked_so_and_its_client_too(
    command_line: CommandLine, sqlite_world: World
) -> None:
    done = command_line(sqlite_world.settings, "organizations", "disable", sqlite_world.alder.organization_id)
    assert done == (0, f"{sqlite_world.alder.organization_id} is disabled.\n", "")
    found = {row[1]: row[3] for row in rows(command_line, sqlite_world, "organizations", "list")}
    assert found["Alder Clinic"].endswith("UTC")
    assert found["Birch Clinic"] == "-"
    states = {row[0]: row[4] for row in rows(command_line, sqlite_world, "clients", "list")}
    assert states[sqlite_world.alder.organization_id] == "client disabled"
    assert states[sqlite_world.birch.organization_id] == "works"


def test_a_rotated_secret_is_printed_once_and_both_are_listed(command_line: CommandLine, sqlite_world: World) -> None:
    done = run(sqlite_world.settings, "clients", "rotate-secret", sqlite_world.alder.client_id, "--overlap", "1")
    secret = re.fullmatch(r"client id {6}(\w{32})\nclient secret  (rxs_\w{49})\n", done.stdout)
    assert secret is not None
    assert secret[1] == sqlite_world.alder.client_id
    assert done.stderr == f"{WARNING}\nThe secret before it works for 1 more hours.\n"
    header, *listed = rows(command_line, sqlite_world, "clients", "list")
    assert header == ["ORGANIZATION", "CLIENT", "NAME", "SECRET", "STATE", "MADE", "ENDS"]
    ours = {row[3]: (row[4], row[6]) for row in listed if row[1] == sqlite_world.alder.client_id}
    assert len(ours) == 2
    assert ours[sqlite_world.alder.secret_id][1].endswith("UTC")
    assert {state for state, _ in ours.values()} == {"works"}
    assert not any("rxs_" in cell for row in listed for cell in row)


def test_a_rotation_without_overlap_ends_the_old_secret(command_line: CommandLine, sqlite_world: World) -> None:
    command_line(sqlite_world.settings, "clients", "rotate-secret", sqlite_world.alder.client_id, "--overlap", "0")
    states = {row[3]: row[4] for row in rows(command_line, sqlite_world, "clients", "list")}
    assert states[sqlite_world.alder.secret_id] == "expired"


def test_a_revoked_secret_is_listed_as_such(command_line: CommandLine, sqlite_world: World) -> None:
    tenant = sqlite_world.alder
    done = command_line(sqlite_world.settings, "clients", "revoke-secret", tenant.client_id, tenant.secret_id)
    assert done == (0, f"{tenant.secret_id} is revoked, and so is every token issued with it.\n", "")
    assert {row[3]: row[4] for row in rows(command_line, sqlite_world, "clients", "list")}[
        tenant.secret_id
    ] == "revoked"


def test_tokens_are_revoked_up_to_now(command_line: CommandLine, sqlite_world: World) -> None:
    done = command_line(sqlite_world.settings, "clients", "revoke-tokens", sqlite_world.alder.client_id)
    assert done == (0, f"Every token issued to {sqlite_world.alder.client_id} so far is revoked.\n", "")
    assert load(sqlite_world).tokens_valid_after > 1_700_000_000


def test_a_client_is_disabled(command_line: CommandLine, sqlite_world: World) -> None:
    done = command_line(sqlite_world.settings, "clients", "disable", sqlite_world.alder.client_id)
    assert done == (0, f"{sqlite_world.alder.client_id} is disabled.\n", "")
    assert load(sqlite_world).disabled


def test_a_client_gets_the_five_permissions_and_those_that_were_named(
    command_line: CommandLine, sqlite_world: World
) -> None:
    database = sqlite_world.open()
    organization = database.write(lambda tx: organizations.create(tx, "Cedar Clinic", NOW))
    asked = ["clients", "create", organization.id, "--permission", "read:audit", "--name", "Nightly"]
    _, printed, _ = command_line(sqlite_world.settings, *asked)
    client_id = printed.split()[2]
    made = database.read(lambda tx: clients.load(tx, client_id))
    database.close()
    assert made is not None
    assert (made.name, made.organization_id) == ("Nightly", organization.id)
    assert made.subject.permissions == {*MACHINE_DEFAULT, "read:audit"}


# What an operator may get wrong: the command, and what it says.
REFUSED = {
    "a prescribing machine": (
        ["create", "NEW", "--permission", "write:prescription"],
        "cannot be given 'write:prescription'",
    ),
    "no such permission": (["create", "NEW", "--permission", "write:all"], "cannot be given 'write:all'"),
    "a second client": (["create", "ORGANIZATION"], "has its machine client already"),
    "no such organization": (["create", "org_nothing"], "there is no organization org_nothing"),
    "a long overlap": (["rotate-secret", "CLIENT", "--overlap", "721"], "0 to 720 hours"),
    "a negative overlap": (["rotate-secret", "CLIENT", "--overlap", "-1"], "0 to 720 hours"),
    "no such client": (["rotate-secret", "nobody"], "there is no client nobody"),
    "no such secret": (["revoke-secret", "CLIENT", "sec_nothing"], "has no secret sec_nothing that is not revoked"),
    "no such client's tokens": (["revoke-tokens", "nobody"], "there is no client nobody"),
    "nobody to disable": (["disable", "nobody"], "there is no client nobody"),
}


@pytest.mark.parametrize(("arguments", "said"), REFUSED.values(), ids=REFUSED)
def test_a_mistake_is_one_sentence_and_changes_nothing(
    command_line: CommandLine, sqlite_world: World, arguments: list[str], said: str
) -> None:
    database = sqlite_world.open()
    new = database.write(lambda tx: organizations.create(tx, "Cedar Clinic", NOW))
    before = database.read(clients.all_of_them)
    known = {
        "NEW": new.id,
        "ORGANIZATION": sqlite_world.alder.organization_id,
        "CLIENT": sqlite_world.alder.client_id,
    }
    [sentence] = command_line.fail(sqlite_world.settings, "clients", *(known.get(one, one) for one in arguments))
    after = database.read(clients.all_of_them)
    database.close()
    assert said in sentence
    assert before == after
