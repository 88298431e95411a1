"""`python -m bench.scim`: ten thousand users sent by SCIM one after the other, and pages of a hundred thousand.

Each becomes an account and a member: the organization proved the domain of their addresses, and a group of everybody
gives a role. The others of the hundred thousand are written into the table.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final, TypeVar

import httpx
import msgspec
from sqlalchemy import create_engine

from bench import installation, machine, servers
from bench.installation import Installation
from bench.load import Post
from rxauth.clock import Clock
from rxauth.domain import group_roles, scim_tokens, users
from rxauth.domain.names import Name
from rxauth.domain.scim_tokens import Wanted
from rxauth.domain.users import User
from rxauth.ids import Kind, new_id
from rxauth.policy.roles import Role
from rxauth.storage.database import Database, Transaction
from rxauth.storage.engines import parse_url
from rxauth.storage.tables.federation import domains
from rxauth.storage.tables.scim import scim_users
from rxauth.storage.tenancy import insert_row

Result = TypeVar("Result")
DOMAIN: Final = "clinic.example"
SHOWN_EVERY: Final = 1_000
TIMES: Final = 100
_INSERT: Final = insert_row(scim_users)
_INSERT_DOMAIN: Final = insert_row(domains)


def main() -> None:
    """Sends, fills, lists and prints."""
    parser = argparse.ArgumentParser(prog="python -m bench.scim", description=__doc__)
    parser.add_argument("--sent", type=int, default=10_000, help="how many are sent (10,000)")
    parser.add_argument("--users", type=int, default=100_000, help="how many there are when they are listed (100,000)")
    parser.add_argument("--engines", nargs="+", default=("SQLite", "PostgreSQL"), help="on what (SQLite PostgreSQL)")
    chosen = parser.parse_args()
    cores = machine.two_cores()
    for engine in chosen.engines:
        with ExitStack() as stack:
            if engine == "SQLite":
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="rxauth-bench-"))
                one = installation.on_sqlite(Path(folder))
            else:
                cluster = installation.Cluster()
                stack.callback(cluster.remove)
                one = installation.on_postgres(cluster)
            token = _prepare(one)
            body = '{"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]}'
            headers = {"authorization": f"Bearer {token}", "content-type": "application/scim+json"}
            first = Post("/scim/v2/Users/.search", headers, [body])
            server = stack.enter_context(servers.started(servers.rxauth_serve(one), cores, first))
            http = stack.enter_context(_client(server.url, token))
            _send(engine, http, chosen.sent)
            _fill(one, chosen.users - chosen.sent)
            _tidy(one)
            _list(engine, http, chosen.users)


def _client(url: str, token: str) -> httpx.Client:
    headers = {"authorization": f"Bearer {token}", "content-type": "application/scim+json"}
    return httpx.Client(base_url=f"{url}/scim/v2/", headers=headers, timeout=60)


def _prepare(one: Installation) -> str:
    """Has the organization prove a domain and give everybody a role; returns a token."""
    now = Clock().seconds()

    def work(tx: Transaction) -> str:
        keeper = User(new_id(Kind.USER, now * 1000), "keeper@else.example", None, Name("Ada", "Marsh"), None)
        users.add(tx, keeper, now)
        values = {"id": new_id(Kind.DOMAIN, now * 1000), "organization_id": one.organization_id, "name": DOMAIN}
        times = {"created_at": now, "verified_at": now, "looked_at": now, "missing_since": None}
        tx.run(_INSERT_DOMAIN, **values, **times, challenge="bench", connection_id=None)
        group_roles.replace(tx, one.organization_id, group_roles.SCIM, {"*": [Role.SUPPORT]})
        return scim_tokens.make(tx, one.organization_id, Wanted("bench", keeper.id), now)[1]

    return _write(one, work)


def _send(engine: str, http: httpx.Client, number: int) -> None:
    began = time.perf_counter()
    for sent in range(1, number + 1):
        answer = http.post("Users", content=msgspec.json.encode(_said(sent)))
        if answer.status_code != 201:
            raise RuntimeError(f"{answer.status_code}: {answer.text[:300]}")
        if sent % SHOWN_EVERY == 0:
            took_s = time.perf_counter() - began
            print(f"{engine}: {sent:,} users sent in {took_s:.1f} s, {sent / took_s:,.0f} a second", flush=True)


def _fill(one: Installation, number: int) -> None:
    now_ms = Clock().milliseconds()

    def row(place: int) -> dict[str, object]:
        said = _said(10_000_000 + place)
        return {
            "organization_id": one.organization_id,
            "id": new_id(Kind.SCIM_USER, now_ms + place),
            "user_name_key": said["userName"],
            "external_id": said["externalId"],
            "active": place % 10 > 0,
            "resource": msgspec.json.encode(said),
            "created_at_ms": now_ms,
            "changed_at_ms": now_ms + place,
            "version": 1,
            "user_id": None,
            "made_account": False,
            "given_roles": "",
            "invited_key": None,
            "settle_at": None,
        }

    for begin in range(0, number, 1_000):
        rows = [row(place) for place in range(begin, min(begin + 1_000, number))]
        _write(one, lambda tx, rows=rows: tx.run_many(_INSERT, rows))  # type: ignore[misc]


def _tidy(one: Installation) -> None:
    """Does at once what PostgreSQL does by itself within a minute or two of so many new rows."""
    if one.settings.owner_database_url is not None:
        engine = create_engine(parse_url(one.settings.owner_database_url), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql("VACUUM (ANALYZE) scim_users")
        engine.dispose()


def _list(engine: str, http: httpx.Client, number: int) -> None:
    last = http.get("Users", params={"startIndex": number - 200, "count": 1}).json()["Resources"][0]["id"]
    asked: dict[str, dict[str, str]] = {
        "first page of 100": {},
        "first page of 200": {"count": "200"},
        "last page of 100, by place": {"startIndex": str(number - 99)},
        "last page of 100, by cursor": {"cursor": last},
        "userName eq": {"filter": f'userName eq "user{10_000_000}@{DOMAIN}"'},
        "externalId eq": {"filter": f'externalId eq "{10_000_000}"'},
        "active eq false, page of 100": {"filter": "active eq false"},
        "changed lately, page of 100": {"filter": 'meta.lastModified gt "2026-01-01T00:00:00Z"'},
    }
    print(f"\n| {engine}, {number:,} users | p50 ms | p99 ms |\n|---|--:|--:|")
    for name, query in asked.items():
        waits = []
        for _ in range(TIMES):
            began = time.perf_counter()
            answer = http.get("Users", params=query)
            waits.append((time.perf_counter() - began) * 1e3)
            if answer.status_code != 200 or not answer.json()["Resources"]:
                raise RuntimeError(f"{name}: {answer.status_code} {answer.text[:300]}")
        hundredths = statistics.quantiles(waits, n=100)
        print(f"| {name} | {hundredths[49]:.1f} | {hundredths[98]:.1f} |", flush=True)
    print()


def _said(number: int) -> dict[str, object]:
    address = f"user{number}@{DOMAIN}"
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": address,
        "externalId": str(number),
        "active": True,
        "displayName": f"Mona Reyes {number}",
        "name": {"givenName": "Mona", "familyName": f"Reyes{number}"},
        "emails": [{"value": address, "type": "work", "primary": True}],
    }


def _write(one: Installation, work: Callable[[Transaction], Result]) -> Result:
    database = Database(one.settings.database_url)
    try:
        return database.write(work)
    finally:
        database.close()


if __name__ == "__main__":
    main()
