"""A story of a backup that was restored: nothing that was issued holds any more, and the log shows what is missing."""

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from rxauth.app import make_sequencer, make_server
from rxauth.clock import Clock
from rxauth.domain import audit_signing, sessions
from rxauth.domain.restoration import RolledBackError
from rxauth.storage.engines import parse_url
from tests import postgres
from tests.cli.command_line import CommandLine
from tests.live import Live
from tests.security.forging import READ, accepted
from tests.token_holders import Holders, refused
from tests.world import StandingClock, World, postgres_socket

Restore = Callable[[], None]


def _served(world: World) -> Live:
    return Live(world, StandingClock(int(time.time()) + 2))


def _numbered(live: Live) -> None:
    make_sequencer(live.world.settings, live.server.database, live.clock).work_once(is_last=True)


def _key_set(live: Live) -> set[str]:
    return {key["kid"] for key in live.http.get("/.well-known/jwks.json").json()["keys"]}


def _stop(live: Live) -> None:
    live.stop()
    live.server.database.close()


@pytest.fixture
def kept(world: World, tmp_path: Path) -> World:
    """A world that keeps checkpoints outside its database."""
    return replace(world, settings=replace(world.settings, audit_checkpoint_file=str(tmp_path / "checkpoints")))


def test_a_restored_backup_lets_nobody_in_by_what_was_issued(
    kept: World, tmp_path: Path, command_line: CommandLine
) -> None:
    """F18: what was ended after the backup must not come back, and what the backup does not know must not work."""
    file, export = Path(str(kept.settings.audit_checkpoint_file)), tmp_path / "export.jsonl"
    live = _served(kept)
    holders = Holders(live)
    person, machine_token = holders.person(), live.token(kept.alder)
    session, _ = holders.session(person)
    logged_out = holders.redeemed(holders.code(session))
    _numbered(live)
    with _backed_up(kept) as restore:
        _wait_for(live)
        sessions_ended = holders.write(lambda tx: sessions.end(tx, session.id, person, live.clock.seconds()))
        of_after = holders.tokens(person)
        revoked = ("clients", "revoke-secret", kept.alder.client_id, kept.alder.secret_id)
        assert (sessions_ended, command_line(kept.settings, *revoked)[0]) == (True, 0)
        _numbered(live)
        assert command_line(kept.settings, "audit", "export", str(export))[0] == 0
        keys_before = _key_set(live)
        _stop(live)
        restore()

    with pytest.raises(RolledBackError, match=r"the last checkpoint in .*checkpoints covers .* run `rxauth restored`"):
        make_server(kept.settings, live.clock)
    code, printed, _ = command_line(kept.settings, "restored", "--export", str(export))
    assert code == 0
    [gap] = [line for line in printed.splitlines() if line.startswith("The audit log has")]
    [lost] = [line for line in printed.splitlines() if "secret.revoked" in line]
    assert gap.endswith("are lost, or more.")
    assert kept.alder.organization_id in lost
    assert "Ended 1 sessions, the tokens of" in printed
    [aside] = file.parent.glob("checkpoints.before-*")
    assert not file.exists()

    live = _served(kept)
    holders.live = live
    for token in (machine_token, logged_out["access_token"], of_after["access_token"]):
        assert live.graphql(token, READ).status_code == 401
    for token in (logged_out["refresh_token"], of_after["refresh_token"]):
        refused(holders.refresh(token))
    assert _key_set(live).isdisjoint(keys_before)
    assert accepted(live.graphql(live.token(kept.alder), READ))
    assert accepted(live.graphql(holders.tokens(person)["access_token"], READ))
    _numbered(live)
    _stop(live)
    assert command_line(kept.settings, "audit", "verify")[0] == 0
    code, printed, _ = command_line(kept.settings, "audit", "verify", "--checkpoints", str(aside))
    assert code == 1, "the checkpoints from before show that entries are missing"


def _wait_for(live: Live) -> None:
    """Waits until a server whose connections were ended has heard from its database again."""
    began = time.monotonic()
    while live.server.feed.silent_s() > time.monotonic() - began:
        assert time.monotonic() < began + 30
        time.sleep(0.01)


@contextlib.contextmanager
def _backed_up(world: World) -> Iterator[Restore]:
    """Copies a database; what is yielded puts the copy in its place, when nobody is connected any more."""
    url = parse_url(world.settings.database_url)
    name = str(url.database)
    if url.drivername == "sqlite":
        copy = f"{name}.backup"
        with contextlib.closing(sqlite3.connect(name)) as source, contextlib.closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        yield lambda: _put_back(name, copy)
        return
    with psycopg.connect(host=postgres_socket(), user="postgres", dbname="postgres", autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())  # its server comes back at once
        admin.execute(_connections_end(name))
        admin.execute(f"CREATE DATABASE backup_{name} OWNER {postgres.OWNER} TEMPLATE {name}".encode())
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())

        def restore() -> None:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
            admin.execute(f"ALTER DATABASE backup_{name} RENAME TO {name}".encode())

        yield restore


def _connections_end(name: str) -> bytes:
    return f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'".encode()


def _put_back(name: str, copy: str) -> None:
    for file in (f"{name}-wal", f"{name}-shm"):
        Path(file).unlink(missing_ok=True)
    Path(copy).rename(name)


def test_the_file_outside_has_the_checkpoints_that_commands_signed(
    kept: World, tmp_path: Path, command_line: CommandLine
) -> None:
    file = Path(str(kept.settings.audit_checkpoint_file))
    with contextlib.closing(kept.open()) as database:
        sequencer = make_sequencer(kept.settings, database, Clock())
        sequencer.work_once(is_last=True)
        before = file.read_text()
        assert command_line(kept.settings, "audit", "export", str(tmp_path / "export.jsonl"))[0] == 0
        signed = database.read(audit_signing.last_checkpoint).note
        assert file.read_text() == before
        for _ in range(2):
            sequencer.work_once(is_last=True)
            assert database.read(audit_signing.last_checkpoint).note == signed
            assert file.read_text() == f"{before}{signed}\n"
