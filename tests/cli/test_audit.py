"""`audit`: what verifying, exporting and proving print, with the log of a server that was really running."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from rxauth.clock import Clock
from rxauth.domain import patients
from rxauth.domain.audit import Event
from rxauth.domain.audit_check import notes
from rxauth.domain.audit_sequencer import Sequencer
from rxauth.domain.names import Name
from rxauth.domain.patients import Patient
from rxauth.ids import Kind, new_id
from rxauth.storage.engines import parse_url
from tests.api.answers import sample_id
from tests.cli.command_line import CommandLine
from tests.domain.test_audit import entries
from tests.live import Live, credentials, process
from tests.postgres import SERVING
from tests.world import NOW, StandingClock, World

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
    owner = world.owner()
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


def test_reading_the_log_is_recorded_in_it_and_a_report_is_for_programs_too(
    command_line: CommandLine, sqlite_world: World, tmp_path: Path
) -> None:
    settings = sqlite_world.settings
    assert command_line(settings, "clients", "disable", sqlite_world.alder.client_id)[0] == 0
    number(sqlite_world)
    code, printed, _ = command_line(settings, "audit", "verify", "--json")
    report = json.loads(printed)
    assert (code, report["is_intact"], report["entries"]) == (0, True, 2)
    assert [one["number"] for one in report["checks"]] == list(range(1, 15))
    copy = tmp_path / "audit.jsonl"
    assert command_line(settings, "audit", "export", str(copy))[0] == 0
    entry = next(line for line in map(json.loads, copy.read_text().splitlines()) if line.get("seq") == 2)
    assert command_line(settings, "audit", "prove", entry["id"])[0] == 0
    [said] = command_line.fail(settings, "audit", "erase", entry["id"])
    assert re.fullmatch(rf"entry {entry['id']} must be kept until \d{{4}}-\d\d-\d\d: it stays", said)
    assert command_line(settings, "audit", "rotate-key")[0] == 0
    code, printed, _ = command_line(settings, "audit", "verify")
    assert code == 0, printed
    assert printed.count("It was replaced by: ") == 1
    assert command_line(settings, "audit", "export", str(tmp_path / "again"))[0] == 0
    lines = map(json.loads, (tmp_path / "again").read_text().splitlines())
    events = [line["entry"]["record"]["event"] for line in lines if "entry" in line]
    assert events == [
        "audit_log.opened",
        "client.disabled",
        "audit.verified",
        "audit.exported",
        "audit.read",
        "audit.erasure_refused",
        "audit.key_rotated",
        "audit.verified",
    ]


@pytest.mark.parametrize("engine", ["postgresql"])
def test_who_may_only_read_verifies_and_is_told_that_nothing_says_so(command_line: CommandLine, world: World) -> None:
    number(world)
    owner = create_engine(parse_url(world.settings.owner_database_url or ""))
    with owner.begin() as connection:
        connection.execute(text(f"REVOKE INSERT ON audit_outbox FROM {SERVING}"))
    owner.dispose()
    code, _, errors = command_line(world.settings, "audit", "verify")
    assert (code, errors) == (0, "(not recorded: the role may only read)\n")


def number(world: World) -> None:
    """Numbers what waits, as a server would."""
    database = world.open()
    Sequencer(database, Clock(), world.settings.sealing_key, None).work_once(is_last=True)
    database.close()


def test_who_saw_a_patient_is_listed_and_asking_is_recorded(command_line: CommandLine, world: World) -> None:
    live = Live(world, StandingClock())
    token = live.token(world.alder)
    patient_id = sample_id(live, token)
    live.data(token, "query orders { orders(first: 100) { id } }")
    live.stop()

    code, printed, _ = command_line(world.settings, "audit", "access", patient_id)
    assert code == 0
    header, *rows = printed.splitlines()
    assert header.split() == ["WHEN", "WHO", "CLIENT", "TOKEN", "FIELDS", "OPERATION", "OUTCOME"]
    assert {row[-30:].split()[-3:][0] for row in rows} == {"patient", "orders"}
    assert all(f"2026-11-23 12:00:00 UTC  client {world.alder.client_id}" in row for row in rows)
    assert command_line(world.settings, "audit", "access", patient_id, "--rows", "1")[1].count("\n") == 2
    assert command_line.fail(world.settings, "audit", "access", "pat_nobody") == ["there is no patient pat_nobody"]

    asked = entries(world, Event.ACCESS_LOG_READ)
    assert [(one["organization_id"], one["records"]) for one in asked] == [
        (world.alder.organization_id, 2),
        (world.alder.organization_id, 1),
    ]
    assert patient_id not in str(asked)


def test_a_patient_whom_nobody_saw_has_no_list(command_line: CommandLine, world: World) -> None:
    database = world.open()
    now_ms = NOW * 1_000
    new = Patient(
        *(new_id(Kind.PATIENT, now_ms), world.alder.organization_id, None, Name("Ada", "Unseen"), "1980-01-01"),
        *("UNKNOWN", None, None, "+12025550102", None),
    )
    database.write(lambda tx: patients.create(tx, new, now_ms))
    database.close()

    code, printed, _ = command_line(world.settings, "audit", "access", new.id)
    assert (code, printed) == (0, "Nobody, as far as the access log has it.\n")
