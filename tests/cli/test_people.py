"""`people`, `organizations create --administrator`, `audiences` and `clients create --type`."""

import json
import re
from pathlib import Path
from typing import Any

import bcrypt
import pyotp
import pytest

from rxauth.crypto.passwords import Cost, judge
from rxauth.domain import (
    audiences,
    clients,
    factors,
    invites,
    mails,
    memberships,
    organizations,
    passwords,
    sessions,
    totp,
    users,
)
from rxauth.domain.client_urls import UrlKind
from rxauth.domain.sessions import Proof
from rxauth.policy.roles import Role
from tests.cli.command_line import CommandLine
from tests.people import PASSWORD, add_person, letters, token_of
from tests.world import NOW, World

WAITS = "The letter waits: set RXAUTH_SMTP_URL, and a running server sends it.\n"
ADA = "ada@alder.example"


def read(world: World, work: Any) -> Any:
    """Reads from a world's database."""
    database = world.open()
    try:
        return database.read(work)
    finally:
        database.close()


def write(world: World, work: Any) -> Any:
    """Writes to a world's database."""
    database = world.open()
    try:
        return database.write(work)
    finally:
        database.close()


def letter_links(world: World, to: str) -> list[str]:
    """Returns what the links hold that were sent to an address."""
    database = world.open()
    found = [token_of(letter) for letter in letters(database, world, to)]
    database.close()
    return found


def test_an_organization_is_made_with_its_administrator_who_gets_a_letter(
    command_line: CommandLine, sqlite_world: World
) -> None:
    asked = ["organizations", "create", "Cedar Clinic", "--administrator", ADA]
    code, printed, error = command_line(sqlite_world.settings, *asked)
    organization = printed.strip()
    assert (code, error) == (0, f"{WAITS}Next, its credentials: rxauth clients create {organization}\n")
    [token] = letter_links(sqlite_world, ADA)
    invite = read(sqlite_world, lambda tx: invites.find(tx, token, NOW))
    assert (invite.organization_id, invite.roles) == (organization, {Role.ADMINISTRATOR})


def test_an_organization_with_a_wrong_administrator_is_not_made(command_line: CommandLine, sqlite_world: World) -> None:
    said = command_line.fail(sqlite_world.settings, "organizations", "create", "Cedar", "--administrator", "nobody")
    assert said == ["this is no e-mail address: it looks like name@example.com"]
    assert "Cedar" not in command_line(sqlite_world.settings, "organizations", "list")[1]


def test_an_invite_is_queued_and_says_when_it_leaves(command_line: CommandLine, sqlite_world: World) -> None:
    alder = sqlite_world.alder.organization_id
    asked = ["people", "invite", alder, ADA, "--role", "staff", "--role", "Medical Operations"]
    code, printed, error = command_line(sqlite_world.settings, *asked)
    assert (code, error) == (0, WAITS)
    assert re.fullmatch(r"inv_\w{26}\n", printed)
    smtp = {"RXAUTH_SMTP_URL": "smtp://mail.example"}
    _, _, error = command_line(sqlite_world.settings, *asked, **smtp)
    assert error == "The letter is on its way: a running server hands it to the mail server.\n"
    assert len(letter_links(sqlite_world, ADA)) == 2


def test_people_and_open_invites_are_listed(command_line: CommandLine, sqlite_world: World) -> None:
    alder = sqlite_world.alder.organization_id
    ada = write(sqlite_world, lambda tx: add_person(tx, ADA))
    write(sqlite_world, lambda tx: memberships.add(tx, alder, ada.id, [Role.SUPPORT, Role.STAFF], NOW))
    write(sqlite_world, lambda tx: sessions.start(tx, Proof(ada.id, ("pwd",), "192.0.2.1", "Firefox"), NOW))
    command_line(sqlite_world.settings, "people", "invite", alder, "bob@alder.example", "--role", "Developer")
    assert command_line(sqlite_world.settings, "people", "disable", ada.id) == (0, f"{ada.id} is disabled.\n", "")
    _, printed, _ = command_line(sqlite_world.settings, "people", "list", alder)
    header, *rows = [re.split(" {2,}", line) for line in printed.splitlines()]
    assert header == ["ID", "EMAIL", "ROLES", "STATE"]
    assert rows[0] == [ada.id, ADA, "Staff, Support", "disabled"]
    assert rows[1][1:] == ["bob@alder.example", "Developer", "invited"]
    assert read(sqlite_world, lambda tx: sessions.of_user(tx, ada.id)) == []


def test_people_are_imported_and_sign_in_with_the_passwords_they_had(
    command_line: CommandLine, sqlite_world: World, tmp_path: Path
) -> None:
    alder = sqlite_world.alder.organization_id
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    table, rows = tmp_path / "people.csv", tmp_path / "people.jsonl"
    table.write_text(f"email,first_name,last_name,hash,roles\n{ADA},Ada,Marsh,{hashed},Staff|Support\n")
    row = {"email": "bob@alder.example", "first_name": "Bob", "last_name": "Reed", "roles": ["Prescriber"], "npi": "1"}
    rows.write_text(json.dumps(row) + "\n\n")
    for file in (table, rows):
        done = command_line(sqlite_world.settings, "people", "import", alder, str(file))
        assert done == (0, "1 people were taken in, 0 lines were refused.\n", "")
    attempt = read(sqlite_world, lambda tx: passwords.begin(tx, ADA))
    assert judge(PASSWORD, attempt.stored, Cost(8, 1, 1)).is_right
    bob = read(sqlite_world, lambda tx: users.find_by_email(tx, "bob@alder.example"))
    assert (bob.name.full, bob.npi) == ("Bob Reed", "1")
    assert {one: found.roles for one, found in members(sqlite_world).items()} == {
        attempt.user.id: {Role.STAFF, Role.SUPPORT},
        bob.id: {Role.PRESCRIBER},
    }


def test_a_long_import_tells_how_far_it_is(command_line: CommandLine, sqlite_world: World, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    rows = [f"person{number}@alder.example,Ada,Marsh,Staff" for number in range(1_010)]
    file.write_text("\n".join(["email,first_name,last_name,roles", *rows]))
    asked = ["people", "import", sqlite_world.alder.organization_id, str(file)]
    done = command_line(sqlite_world.settings, *asked)
    assert done == (0, "1010 people were taken in, 0 lines were refused.\n", "1000 taken, 0 refused so far\n")


def members(world: World) -> dict[str, memberships.Membership]:
    """Returns the people of the first organization."""
    found: dict[str, memberships.Membership] = read(
        world, lambda tx: memberships.of_organization(tx, world.alder.organization_id)
    )
    return found


GOOD = {"email": ADA, "first_name": "Ada", "last_name": "Marsh", "roles": ["Staff"]}
BAD_LINES = {
    "no JSON": "{",
    "no object": "[]",
    "no address": json.dumps(GOOD | {"email": "ada"}),
    "no name": json.dumps(GOOD | {"first_name": ""}),
    "no role": json.dumps(GOOD | {"roles": []}),
    "no such role": json.dumps(GOOD | {"roles": ["Owner"]}),
    "an unknown member": json.dumps(GOOD | {"is_admin": True}),
    "a number for a name": json.dumps(GOOD | {"last_name": 7}),
    "a hash of nothing we read": json.dumps(GOOD | {"hash": "5f4dcc3b5aa765d61d8327deb882cf99"}),
    "a hash that costs a minute": json.dumps(GOOD | {"hash": "$2b$31$" + "a" * 53}),
    "a member already": json.dumps(GOOD | {"email": "member@alder.example"}),
    "twice in the file": json.dumps(GOOD | {"email": "new@alder.example"}),
}


def test_every_bad_line_is_reported_with_its_number_and_without_what_it_says(
    command_line: CommandLine, sqlite_world: World, tmp_path: Path
) -> None:
    alder = sqlite_world.alder.organization_id
    member = write(sqlite_world, lambda tx: add_person(tx, "member@alder.example"))
    write(sqlite_world, lambda tx: memberships.add(tx, alder, member.id, [Role.STAFF], NOW))
    file = tmp_path / "people.jsonl"
    file.write_text("\n".join([json.dumps(GOOD | {"email": "new@alder.example"}), *BAD_LINES.values(), ""]))
    code, printed, error = command_line(sqlite_world.settings, "people", "import", alder, str(file))
    assert (code, printed) == (1, f"1 people were taken in, {len(BAD_LINES)} lines were refused.\n")
    numbers = [int(found) for found in re.findall(r"^line (\d+): ", error, re.MULTILINE)]
    assert numbers == list(range(2, len(BAD_LINES) + 2))
    assert not re.search(r"alder\.example|5f4dcc|\$2b", error)
    assert len(members(sqlite_world)) == 2


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("people.txt", "", "is neither .csv nor .jsonl"),
        ("absent.csv", None, "cannot be read: No such file or directory"),
        ("people.csv", "email,name\n", "the first line names these columns"),
        ("people.csv", "", "the first line names these columns"),
    ],
    ids=["another kind", "absent", "other columns", "empty"],
)
def test_a_file_that_cannot_be_imported(
    command_line: CommandLine, sqlite_world: World, tmp_path: Path, name: str, content: str | None, said: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    asked = ["people", "import", sqlite_world.alder.organization_id, str(tmp_path / name)]
    [sentence] = command_line.fail(sqlite_world.settings, *asked)
    assert said in sentence


def test_cells_that_lack_or_are_too_many_are_one_bad_line(
    command_line: CommandLine, sqlite_world: World, tmp_path: Path
) -> None:
    file = tmp_path / "people.csv"
    lines = ["email,first_name,last_name,roles", f"{ADA},Ada", f"{ADA},Ada,Marsh,Staff,more", f"{ADA},Ada,Marsh,Staff"]
    file.write_text("\n".join(lines) + "\n")
    asked = ["people", "import", sqlite_world.alder.organization_id, str(file)]
    code, printed, error = command_line(sqlite_world.settings, *asked)
    assert (code, printed) == (1, "1 people were taken in, 2 lines were refused.\n")
    assert re.findall(r"^line (\d)", error, re.MULTILINE) == ["2", "3"]


def test_an_audience_is_added_and_listed(command_line: CommandLine, sqlite_world: World) -> None:
    alder, api = sqlite_world.alder.organization_id, "https://notes.alder.example"
    asked = ["audiences", "add", alder, api, "--lifetime-s", "600", "--algorithm", "EdDSA"]
    assert command_line(sqlite_world.settings, *asked) == (0, f"{api} is registered.\n", "")
    found = read(sqlite_world, lambda tx: audiences.find(tx, alder, api))
    assert (found.lifetime_s, found.algorithm) == (600, "EdDSA")
    _, printed, _ = command_line(sqlite_world.settings, "audiences", "list")
    header, row = [re.split(" {2,}", line) for line in printed.splitlines()]
    assert header == ["ORGANIZATION", "AUDIENCE", "LIFETIME (S)", "ALGORITHM", "MADE"]
    assert row[:4] == [alder, api, "600", "EdDSA"]
    for own in (sqlite_world.settings.audience, f"{sqlite_world.settings.issuer}userinfo"):
        [sentence] = command_line.fail(sqlite_world.settings, "audiences", "add", alder, own)
        assert sentence == "this audience is the server's own"


@pytest.mark.parametrize("kind", ["spa", "native", "regular_web"])
def test_a_client_that_people_sign_in_with_has_its_urls_and_a_secret_only_if_it_can_keep_one(
    command_line: CommandLine, sqlite_world: World, kind: str
) -> None:
    url = "https://app.alder.example/callback"
    asked = ["clients", "create", sqlite_world.alder.organization_id, "--type", kind, "--name", "Notes"]
    code, printed, _ = command_line(
        sqlite_world.settings, *asked, "--callback", url, "--logout-url", "https://app.alder.example", "--third-party"
    )
    words = printed.split()
    assert code == 0
    assert [*words[:2], *words[3:5]] == ["client", "id", *(["client", "secret"] if kind == "regular_web" else [])]
    client = read(sqlite_world, lambda tx: clients.load(tx, words[2]))
    assert (client.name, client.app_type, client.third_party, client.any_organization) == ("Notes", kind, True, False)
    assert client.urls[UrlKind.CALLBACK] == {url}
    assert "https://app.alder.example/" in client.urls[UrlKind.LOGOUT]


REFUSED = {
    "no callback": (["--type", "spa"], "has no callback URL"),
    "plain http": (["--type", "spa", "--callback", "http://app.example"], "must be https"),
    "no such type": (["--type", "server", "--callback", "https://app.example"], "of the types"),
    "a permission": (["--type", "spa", "--callback", "https://app.example", "--permission", "read:audit"], "machines"),
    "a machine with a callback": (["--callback", "https://app.example"], "give --type"),
    "a machine of somebody else": (["--third-party"], "give --type"),
}


@pytest.mark.parametrize(("arguments", "said"), REFUSED.values(), ids=REFUSED)
def test_a_client_that_cannot_be_is_one_sentence(
    command_line: CommandLine, sqlite_world: World, arguments: list[str], said: str
) -> None:
    asked = ["clients", "create", sqlite_world.alder.organization_id, *arguments]
    [sentence] = command_line.fail(sqlite_world.settings, *asked)
    assert said in sentence


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["invite", "ALDER", ADA, "--role", "Owner"], "the roles are one or more of Administrator"),
        (["invite", "org_nothing", ADA, "--role", "Staff"], "there is no organization org_nothing"),
        (["list", "org_nothing"], "there is no organization org_nothing"),
        (["disable", "usr_nobody"], "there is no person usr_nobody"),
        (["reset-factors", "usr_nobody"], "there is no person usr_nobody with a second factor"),
        (["import", "org_nothing", "people.csv"], "there is no organization org_nothing"),
    ],
    ids=["no such role", "invite nowhere", "list nowhere", "nobody", "nobody's factors", "import nowhere"],
)
def test_a_mistake_is_one_sentence(
    command_line: CommandLine, sqlite_world: World, arguments: list[str], said: str
) -> None:
    known = {"ALDER": sqlite_world.alder.organization_id}
    [sentence] = command_line.fail(sqlite_world.settings, "people", *(known.get(one, one) for one in arguments))
    assert said in sentence


def test_the_operator_sets_what_sign_ins_of_an_organization_are_like(
    command_line: CommandLine, sqlite_world: World
) -> None:
    owner = sqlite_world.alder.organization_id
    asked = ["organizations", "sign-in", owner, "--idle", "15", "--second-factor"]
    code, printed, error = command_line(sqlite_world.settings, *asked)
    assert (code, error) == (0, "")
    assert printed.splitlines() == [
        "Idle sessions end after 15 minutes.",
        "All sessions end as everywhere.",
        "A second factor is asked of everybody.",
    ]
    found = read(sqlite_world, lambda tx: organizations.find(tx, owner))
    assert (found.session_idle_s, found.session_lifetime_s, found.second_factor_required) == (900, None, True)
    assert command_line.fail(sqlite_world.settings, "organizations", "sign-in", "org_nobody")


def test_the_operator_takes_the_second_factors_of_whoever_lost_them(
    command_line: CommandLine, sqlite_world: World
) -> None:
    ada = write(sqlite_world, lambda tx: add_person(tx, ADA))
    key = sqlite_world.settings.sealing_key
    begun = write(sqlite_world, lambda tx: totp.begin(tx, ada.id, key, NOW))
    app = pyotp.TOTP(begun.secret)
    assert write(sqlite_world, lambda tx: factors.confirm_totp(tx, ada.id, app.at(NOW), key, NOW))

    code, printed, error = command_line(sqlite_world.settings, "people", "reset-factors", ada.id)

    assert (code, printed, error) == (0, f"{ada.id} has no second factor any more.\n", WAITS)
    assert not read(sqlite_world, lambda tx: factors.has_second(tx, ada.id))
    [letter] = read(sqlite_world, lambda tx: mails.all_of_them(tx, key))
    assert letter[1].subject == "Your second factors were reset"
