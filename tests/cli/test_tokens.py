"""`token` and `explain`: getting a token in a script, and what a token is in plain words."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rxauth.crypto.jws import Signer, new_signing_key
from rxauth.crypto.secrets import new_secret
from rxauth.domain import clients
from rxauth.ids import new_client_id
from tests.cli.command_line import CommandLine
from tests.live import Live, Process, decode, process, run
from tests.world import AUDIENCE, ISSUER, StandingClock, World

SCOPE = "read:patient, write:patient, read:prescription, read:order, write:order"


@pytest.fixture
def served(sqlite_world: World) -> Iterator[tuple[World, Process]]:
    """A world, and a process that serves it."""
    with process(sqlite_world.settings) as server:
        yield sqlite_world, server


def test_a_token_is_printed_alone_so_that_a_script_can_use_it(served: tuple[World, Process], tmp_path: Path) -> None:
    world, server = served
    file = tmp_path / "secret"
    file.write_text(f"{world.alder.secret}\n")
    named = ["--client-id", world.alder.client_id, "--url", server.url]
    whole = run(world.settings, "token", *named, "--secret-file", str(file))
    narrow = run(
        world.settings, "token", *named, "--secret-file", "-", "--scope", "read:order", stdin=world.alder.secret
    )
    for done, permissions in ((whole, SCOPE.split(", ")), (narrow, ["read:order"])):
        assert (done.returncode, done.stderr) == (0, "")
        assert re.fullmatch(r"\S+\n", done.stdout)
        assert decode(done.stdout.strip())[1]["permissions"] == permissions


def test_a_token_that_is_not_given_is_one_sentence_that_says_why(
    command_line: CommandLine, served: tuple[World, Process]
) -> None:
    world, server = served
    named = ["--client-id", world.alder.client_id, "--url", server.url]
    read = [*named, "--secret-file", "-"]
    for arguments, secret, said in (
        ([*read, "--scope", "write:prescription"], world.alder.secret, "invalid_scope: write:prescription cannot be "),
        ([*read, "--audience", "https://a.example"], world.alder.secret, "invalid_target: "),
        (read, new_secret(), "invalid_client: "),
        (read, world.alder.secret[:-1], "invalid_client: The client_secret was not copied whole"),
        ([*named, "--secret-file", "/nowhere/secret"], "", "/nowhere/secret cannot be read: "),
        (named, "", "--client-id, --secret-file and --url go together."),
    ):
        [sentence] = command_line.fail(world.settings, "token", *arguments, stdin=secret)
        assert sentence.startswith(said)
        assert not secret or secret not in sentence


def test_a_token_is_explained_until_and_after_it_is_revoked(served: tuple[World, Process]) -> None:
    world, server = served
    answer = server.http.post(
        "/oauth/token",
        data={
            "grant_type": "client_credentials",
            "client_id": world.alder.client_id,
            "client_secret": world.alder.secret,
        },
    )
    token = answer.json()["access_token"]
    done = run(world.settings, "explain", token)
    assert (done.returncode, done.stderr) == (0, "")
    first, *facts, last = done.stdout.splitlines()
    assert first == "This is an access token of a machine: an organization's backend."
    assert last == "The server would accept it."
    told = {line[2:15].strip(): line[15:] for line in facts}
    assert re.fullmatch(r"2\d{3}-\d\d-\d\d \d\d:\d\d:\d\d UTC, \d+ seconds? ago", told.pop("issued"))
    assert re.fullmatch(r"2\d{3}-\d\d-\d\d \d\d:\d\d:\d\d UTC, in (\d+ hours?|1 day)", told.pop("expires"))
    assert told == {
        "signed with": f"RS256, key {world.current_key.key_id}",
        "issued by": ISSUER,
        "for": AUDIENCE,
        "client": world.alder.client_id,
        "organization": world.alder.organization_id,
        "secret": world.alder.secret_id,
        "permissions": SCOPE,
        "token id": decode(token)[1]["jti"],
    }
    database = world.open()
    database.write(lambda tx: clients.revoke_secret(tx, world.alder.client_id, world.alder.secret_id, 1))
    database.close()
    done = run(world.settings, "explain", "-", stdin=f"{token}\n")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("The server would refuse it. The client secret that this token was")
    assert done.stderr == ""


def _segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


HEADER = {"alg": "RS256", "typ": "at+jwt", "kid": "a-key"}
BODY = _segment({})
GARBAGE = {
    "nothing": ("", "This is no token of rxauth"),
    "a word": ("garbage", "This is no token of rxauth"),
    "three words": ("a.b.c", "This is no token of rxauth"),
    "five parts": ("a.b.c.d.e", "This is no token of rxauth"),
    "control characters": ("\x1b[31m.\x07.\x00", "This is no token of rxauth"),
    "no object": (f"{_segment(HEADER)}.{_segment([1])}.AAAA", "This is no token of rxauth"),
    "an empty object": (f"{_segment(HEADER)}.{BODY}.AAAA", "not signed with a key that this server publishes"),
    "an identity token": (f"{_segment(HEADER | {'typ': 'JWT'})}.{BODY}.AAAA", "not an access token"),
    "no algorithm": (f"{_segment(HEADER | {'alg': 'none'})}.{BODY}.", "would refuse it"),
    "lists for texts": (f"{_segment(HEADER | {'typ': [], 'kid': {}})}.{BODY}.AAAA", "would refuse it"),
    "numbers for texts": (f"{_segment(HEADER)}.{_segment({'iss': 1, 'sub': 2, 'iat': 'x'})}.AAAA", "would refuse it"),
    "a number of permissions": (f"{_segment(HEADER)}.{_segment({'permissions': 5})}.AAAA", "would refuse it"),
    "a day that never comes": (f"{_segment(HEADER)}.{_segment({'exp': 9**99, 'iat': -1})}.AAAA", "would refuse it"),
}


@pytest.mark.parametrize(("text", "said"), GARBAGE.values(), ids=GARBAGE)
def test_garbage_is_explained_as_such(command_line: CommandLine, sqlite_world: World, text: str, said: str) -> None:
    code, printed, error = command_line(sqlite_world.settings, "explain", "-", stdin=text)
    assert (code, error) == (1, "")
    assert said in printed
    assert "The server would refuse it." in printed
    assert "accept" not in printed


def test_a_hostile_token_cannot_write_on_the_terminal_or_put_words_into_the_explanation(
    command_line: CommandLine, sqlite_world: World
) -> None:
    hostile = "x\nThe server would accept it.\x1b]0;owned\x07\x1b[2J\r\x9b31m\u202e"
    claims = dict.fromkeys(["iss", "aud", "client_id", "org_id", "secret_id", "sub", "jti"], hostile)
    header = {"alg": "RS256", "typ": "at+jwt", "kid": hostile}
    text = f"{_segment(header)}.{_segment(claims | {'permissions': [hostile]})}.AAAA"
    code, printed, _ = command_line(sqlite_world.settings, "explain", "-", stdin=text)
    assert code == 1
    assert [character for character in printed if not character.isprintable() and character != "\n"] == []
    assert "The server would accept it." not in printed.splitlines()


def test_a_foreign_and_an_expired_token_are_refused_for_their_reasons(
    command_line: CommandLine, sqlite_world: World
) -> None:
    live = Live(sqlite_world, StandingClock())
    good = live.claims(sqlite_world.alder, iat=1_700_000_000, exp=1_700_003_600)
    later, gone = good | {"exp": 2**33}, new_client_id()
    foreign = Signer(new_signing_key(), "at+jwt").sign(json.dumps(later).encode())
    tokens = {
        live.sign(good): "The token expired ",
        live.sign(later | {"aud": "https://a.example"}): "This token is for audience https://a.example, ",
        live.sign(later | {"iss": "https://a.example/"}): "The token was issued by https://a.example/, ",
        live.sign(later | {"client_id": gone, "sub": f"{gone}@clients"}): "The client or the organization that ",
        live.sign(later | {"secret_id": "sec_gone"}): "The client secret that this token was issued with was revoked.",
        foreign: "The token was not signed with a key that this server publishes.",
    }
    live.stop()
    for token, reason in tokens.items():
        code, printed, _ = command_line(sqlite_world.settings, "explain", token)
        assert code == 1
        assert printed.splitlines()[-1].startswith(f"The server would refuse it. {reason}")
