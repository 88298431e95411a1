"""A database that fails while a token is issued: no token, nothing half done, and nothing told that helps nobody."""

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import httpx
import psycopg
import pytest
from sqlalchemy import make_url, text

from rxauth.crypto.secrets import new_secret
from rxauth.domain import clients
from rxauth.ids import new_client_id
from rxauth.storage.database import ConflictError, DatabaseUnavailableError
from tests.conftest import make_world
from tests.live import Live, process
from tests.world import NOW, StandingClock, Template, Tenant, World, postgres_socket

READ = "{ patients { id } }"
TELLTALE = re.compile(
    r"Traceback|File \"|sqlalchemy|sqlite|psycopg|SELECT|INSERT|client_secrets|audit_outbox|\.py", re.IGNORECASE
)
# The backend ends itself while it commits: the server never learns whether the commit came through. It did not.
KILLED_AT_COMMIT = """
CREATE FUNCTION end_myself() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION end_myself()
"""
# A deferred reference to a row that is not there: every statement succeeds, and COMMIT fails.
REFUSED_AT_COMMIT = """
CREATE TABLE kept (id INTEGER PRIMARY KEY);
CREATE TABLE promised (id INTEGER REFERENCES kept (id) DEFERRABLE INITIALLY DEFERRED);
CREATE TRIGGER at_commit AFTER INSERT ON {table} BEGIN INSERT INTO promised VALUES (1); END
"""


@pytest.fixture
def on_postgres(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server on PostgreSQL."""
    running = Live(make_world("postgresql", templates, tmp_path_factory), StandingClock())
    yield running
    running.stop()


def as_owner(world: World, statements: str) -> None:
    """Runs statements as whoever owns the tables."""
    url = make_url(world.settings.owner_database_url or world.settings.database_url)
    if url.drivername == "sqlite":
        with closing(sqlite3.connect(str(url.database))) as connection:
            connection.executescript(statements)
    else:
        with psycopg.connect(host=str(url.query["host"]), user=url.username, dbname=url.database) as connection:
            connection.execute(statements.encode())


def issued(world: World) -> list[str]:
    """Lists the tokens that the audit log says were issued."""
    with closing(world.open()) as database, database.engines.reader.connect() as connection:
        rows = connection.execute(text("SELECT entry FROM audit_outbox")).all()
    entries: list[dict[str, Any]] = [json.loads(bytes(row.entry)) for row in rows]
    return [entry["target"] for entry in entries if entry["event"] == "token.issued"]


def assert_nothing_told(answer: httpx.Response) -> None:
    """Checks that an answer has the standard's two members and no word about what is behind it (RFC 6749 §5.2)."""
    assert list(answer.json()) == ["error", "error_description"]
    assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+", answer.json()["error_description"])
    assert TELLTALE.search(answer.text) is None
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"


def assert_unavailable(answer: httpx.Response) -> None:
    """Checks the one answer for a database that cannot be reached."""
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable"), answer.text
    assert int(answer.headers["retry-after"]) > 0
    assert_nothing_told(answer)


@contextmanager
def unreachable(world: World) -> Iterator[None]:
    """Shuts a PostgreSQL database to everybody for the length of a block, and ends who is in it."""
    name = make_url(world.settings.database_url).database
    shut = f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS"
    end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    with psycopg.connect(f"host={postgres_socket()} user=postgres dbname=postgres", autocommit=True) as admin:
        admin.execute(f"{shut} false".encode())
        admin.execute(end.encode())
        try:
            yield
        finally:
            admin.execute(f"{shut} true".encode())


def asking(live: Live) -> dict[str, Callable[[], httpx.Response]]:
    """Returns every kind of exchange: by whom it is asked decides which statement meets the failure."""
    known, unknown = live.world.alder, replace(live.world.alder, client_id=new_client_id())
    return {
        "a client that is remembered": lambda: live.exchange(known),
        "a client that is not remembered": lambda: live.exchange(live.world.birch),
        "a wrong secret": lambda: live.exchange(replace(known, secret=new_secret())),
        "an unknown client": lambda: live.exchange(unknown),
    }


@pytest.mark.parametrize("who", ["a client that is remembered", "a client that is not remembered", "a wrong secret"])
def test_a_connection_killed_at_commit_gives_no_token(on_postgres: Live, who: str) -> None:
    before = issued(on_postgres.world)
    remembered = on_postgres.token(on_postgres.world.alder)
    as_owner(on_postgres.world, KILLED_AT_COMMIT.format(table="audit_outbox"))

    answer = asking(on_postgres)[who]()

    if who == "a wrong secret":
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    else:
        assert_unavailable(answer)
    assert len(issued(on_postgres.world)) == len(before) + 1
    as_owner(on_postgres.world, "DROP TRIGGER at_commit ON audit_outbox")
    assert on_postgres.exchange(on_postgres.world.alder).status_code == 200
    assert on_postgres.graphql(remembered, READ).status_code == 200


def test_a_commit_that_is_refused_gives_no_token(sqlite_live: Live) -> None:
    tenant = sqlite_live.world.alder
    before = issued(sqlite_live.world)
    as_owner(sqlite_live.world, REFUSED_AT_COMMIT.format(table="audit_outbox"))

    answer = sqlite_live.exchange(tenant)

    assert answer.status_code in {500, 503}
    assert answer.json()["error"] in {"server_error", "temporarily_unavailable"}
    assert_nothing_told(answer)
    assert issued(sqlite_live.world) == before
    as_owner(sqlite_live.world, "DROP TRIGGER at_commit")
    assert sqlite_live.exchange(tenant).status_code == 200


def test_a_full_disk_gives_no_token_that_is_not_recorded(sqlite_live: Live) -> None:
    writer = sqlite_live.server.database.engines.writer
    with writer.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    answers: list[httpx.Response] = []
    while len(answers) < 500 and (not answers or answers[-1].status_code == 200):
        answers.append(sqlite_live.exchange(sqlite_live.world.alder))

    assert_unavailable(answers[-1])
    assert len(issued(sqlite_live.world)) == len(answers) - 1
    with writer.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 1_000}")
    assert sqlite_live.exchange(sqlite_live.world.alder).status_code == 200


def test_a_locked_database_gives_no_token_and_recovers(sqlite_live: Live) -> None:
    tenant = sqlite_live.world.alder
    token = sqlite_live.token(tenant)
    path = str(make_url(sqlite_live.world.settings.database_url).database)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert_unavailable(sqlite_live.exchange(tenant))
        assert sqlite_live.graphql(token, READ).status_code == 200
        other.execute("ROLLBACK")

    assert sqlite_live.exchange(tenant).status_code == 200
    assert len(issued(sqlite_live.world)) == 2


def test_a_database_that_is_gone_gives_one_answer_to_everybody_and_comes_back(on_postgres: Live) -> None:
    on_postgres.token(on_postgres.world.alder)
    before = issued(on_postgres.world)
    with unreachable(on_postgres.world):
        answers = {who: ask() for who, ask in asking(on_postgres).items()}

    for answer in answers.values():
        assert_unavailable(answer)
    assert len({answer.content for answer in answers.values()}) == 1
    assert issued(on_postgres.world) == before
    assert on_postgres.exchange(on_postgres.world.alder).status_code == 200


def test_a_connection_lost_between_two_requests_is_not_noticed_by_clients(on_postgres: Live) -> None:
    tenant = on_postgres.world.alder
    token = on_postgres.token(tenant)
    with unreachable(on_postgres.world):
        pass

    assert on_postgres.exchange(tenant).status_code == 200
    assert on_postgres.graphql(token, READ).status_code == 200


@pytest.mark.parametrize("table", ["client_secrets", "audit_outbox"])
def test_a_table_that_is_gone_gives_no_token_and_no_word_about_it(live: Live, table: str) -> None:
    as_owner(live.world, f"ALTER TABLE {table} RENAME TO elsewhere")

    answer = live.exchange(live.world.alder)

    assert answer.status_code in {500, 503}
    assert answer.json()["error"] in {"server_error", "temporarily_unavailable"}
    assert_nothing_told(answer)
    as_owner(live.world, f"ALTER TABLE elsewhere RENAME TO {table}")
    assert issued(live.world) == []
    assert live.exchange(live.world.alder).status_code == 200


def test_a_rotation_that_fails_at_commit_leaves_the_old_secret_as_it_was(world: World, engine: str) -> None:
    fails_at_commit = REFUSED_AT_COMMIT if engine == "sqlite" else KILLED_AT_COMMIT
    with closing(world.open()) as database:
        before = database.read(lambda tx: clients.load(tx, world.alder.client_id))
        as_owner(world, fails_at_commit.format(table="client_secrets"))

        with pytest.raises((ConflictError, DatabaseUnavailableError)):
            database.write(lambda tx: clients.rotate_secret(tx, world.alder.client_id, 0, NOW))

        assert database.read(lambda tx: clients.load(tx, world.alder.client_id)) == before


def test_nothing_in_a_servers_output_gives_a_secret_or_a_token_away(world: World) -> None:
    canaries = [world.alder.secret, world.birch.secret, new_secret(), "rxs_not_copied_whole"]
    with process(world.settings) as running:

        def posted(tenant: Tenant, secret: str, **headers: str) -> httpx.Response:
            body = {"grant_type": "client_credentials", "client_id": tenant.client_id, "client_secret": secret}
            return running.http.post("/oauth/token", json=body, headers=headers)

        token = posted(world.alder, world.alder.secret).json()["access_token"]
        canaries += [token, token.rpartition(".")[2]]
        for secret in canaries:
            posted(world.alder, secret)
            posted(world.alder, world.alder.secret, authorization=f"Basic {secret}")
            running.http.post(f"/oauth/token?client_secret={secret}", json={"client_secret": secret})
            running.http.post("/oauth/token", content=f'{{"client_secret":"{secret}"')
            running.http.get(f"/{secret}", headers={"authorization": secret})
            running.http.post("/graphql", json={"query": READ}, headers={"authorization": f"Bearer {secret}x"})
        as_owner(world, "ALTER TABLE client_secrets RENAME TO elsewhere")
        as_owner(world, "ALTER TABLE audit_outbox RENAME TO elsewhere_too")
        assert posted(world.alder, world.alder.secret).status_code >= 500
        assert posted(world.birch, world.birch.secret).status_code >= 500
        assert posted(world.alder, canaries[2]).status_code >= 500
        output = running.stop()

    assert '"request_id"' in output  # the failures were logged
    for canary in canaries:
        assert canary not in output
