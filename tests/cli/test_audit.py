"""`audit`: what verifying, exporting and proving print, with the log of a server that was really running."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from rxauth.domain.audit_check import notes
from rxauth.storage.engines import parse_url
from tests.cli.command_line import CommandLine
from tests.live import credentials, process
from tests.world import World

VARIABLE = "RXAUTH_AUDIT_CHECKPOINT_FILE"


def served(world: World, tmp_path: Path) -> Path:
    """Lets a server issue tokens and end; returns its checkpoint file."""
    file = tmp_path / "checkpoints"
    with process(world.settings, **{VARIABLE: str(file)}) as running:
        for _ in range(3):
            assert running.http.post("/oauth/token", json=credentials(world.alder)).status_code == 200
    return file


def test_the_log_of_a_server_is_verified_exported_and_proven(
    command_line: CommandLine, world: World, tmp_path: Path
) -> None:
    file, copy = served(world, tmp_path), tmp_path / "audit.jsonl"
    assert len(notes(file.read_text())) >= 1

    code, printed, _ = command_line(world.settings, "audit", "verify", **{VARIABLE: str(file)})
    assert code == 0, printed
    assert [line.split()[1] for line in printed.splitlines()[:14]] == ["ok"] * 14
    assert re.search(
        r"\n\n4 entries, 4 of them under a checkpoint\. Key: rxauth-audit-\w+\+[0-9a-f]{8}\+\S+\n", printed
    )

    code, printed, _ = command_line(world.settings, "audit", "export", str(copy))
    assert (code, re.fullmatch(r"[5-9] lines are in .*\.\n", printed) is not None) == (0, True), printed
    lines = [json.loads(line) for line in copy.read_text().splitlines()]
    entry = [line for line in lines if "entry" in line][-1]

    code, printed, _ = command_line(world.settings, "audit", "prove", entry["id"])
    assert code == 0
    assert json.loads(json.loads(printed)["entry"]) == entry["entry"]

    unknown = "postgresql://nobody@/nothing?host=/nowhere"
    alone = replace(world.settings, database_url=unknown)
    arguments = ("audit", "verify", "--export", str(copy), "--checkpoints", str(file))
    code, printed, _ = command_line(alone, *arguments)
    assert (code, printed.count("(needs the database)")) == (0, 2)

    copy.write_text(copy.read_text().replace("token.issued", "token.refused", 1))
    code, printed, _ = command_line(alone, *arguments)
    assert code == 1
    assert " 2  found        every hash follows" in printed
    [said] = command_line.fail(world.settings, "audit", "export", str(copy))
    assert said.endswith("cannot be made: File exists")


def test_what_was_changed_in_the_database_is_found_and_the_exit_code_says_so(
    command_line: CommandLine, world: World, tmp_path: Path
) -> None:
    served(world, tmp_path)
    owner = create_engine(parse_url(world.settings.owner_database_url or world.settings.database_url))
    with owner.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.execute(text("DROP TRIGGER audit_entries_no_delete"))
        connection.execute(text("DELETE FROM audit_entries WHERE seq = 2"))
    owner.dispose()
    code, printed, _ = command_line(world.settings, "audit", "verify")
    assert code == 1
    assert " 1  found        numbers have no gap and no double\n      entry 3 stands where 2 belongs\n" in printed


@pytest.mark.parametrize("command", [("verify",), ("prove", "anything"), ("verify", "--export", "/nowhere/log")])
def test_without_a_log_the_commands_say_what_to_do(
    command_line: CommandLine, sqlite_world: World, command: tuple[str, ...]
) -> None:
    [said] = command_line.fail(sqlite_world.settings, "audit", *command)
    assert re.fullmatch(
        r"there is no audit log yet: .*|there is no entry anything|/nowhere/log cannot be read: .*", said
    )
