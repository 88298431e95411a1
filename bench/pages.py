"""`python -m bench.pages`: what each settings page takes, with 5,000 people in the organization and 10,000 others."""

import argparse
import asyncio
import json
import re
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from sqlalchemy import insert

from bench import installation, machine, servers
from bench.connections import USER_AGENT, Connection, get
from bench.installation import Installation
from bench.load import Post
from rxauth.clock import Clock
from rxauth.domain import audit, member_words, memberships, sessions, users
from rxauth.domain.audit_sequencer import Sequencer
from rxauth.domain.names import Name
from rxauth.domain.sessions import Proof
from rxauth.domain.users import User
from rxauth.edge.cookies import NAME
from rxauth.edge.settings.frame import ACCOUNT_TABS, ORGANIZATION_TABS
from rxauth.ids import Kind, new_id
from rxauth.policy.assurance import ONE_TIME_CODE, PASSWORD
from rxauth.policy.roles import Role
from rxauth.storage.database import Database, Transaction
from rxauth.storage.tables.access import organizations
from rxauth.storage.tables.people import member_words as member_words_table
from rxauth.storage.tables.people import membership_roles
from rxauth.storage.tables.people import memberships as memberships_table
from rxauth.storage.tables.people import users as users_table

TARGET_MS: Final = 50
TIMES: Final = 40
_LINK: Final = re.compile(r'href="(/settings/[^"?]+)"')


def main() -> None:
    """Loads, opens each page as an administrator, and prints a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__)
    parser.add_argument("--people", type=int, default=5_000, help="of the organization that is shown (5,000)")
    parser.add_argument("--organizations", type=int, default=10_000, help="around it (10,000)")
    parser.add_argument("--acts", type=int, default=50_000, help="in its audit log (50,000)")
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL, not on SQLite")
    chosen = parser.parse_args()
    cores = machine.two_cores()
    cluster = installation.Cluster() if chosen.postgres else None
    try:
        with tempfile.TemporaryDirectory(prefix="rxauth-bench-") as folder:
            one = installation.on_sqlite(Path(folder)) if cluster is None else installation.on_postgres(cluster)
            began_at = time.monotonic()
            cookie = _fill(one, chosen.people, chosen.organizations, chosen.acts)
            print(f"Loaded in {time.monotonic() - began_at:.0f} s.", flush=True)
            command = servers.rxauth_serve(one)
            body = {"client_id": one.client_id, "client_secret": one.secret, "audience": installation.AUDIENCE}
            token = json.dumps(body | {"grant_type": "client_credentials"})
            first = Post("/oauth/token", {"content-type": "application/json"}, [token])
            with servers.started(command, cores, first) as running:
                asyncio.run(_measure(running.url, cookie))
    finally:
        if cluster is not None:
            cluster.remove()


async def _measure(url: str, cookie: str) -> None:
    """Opens each page of the navigation, and one of each kind of page that these lead to."""
    paths = [tab.path for tabs in (*ORGANIZATION_TABS.values(), ACCOUNT_TABS) for tab in tabs]
    seen = {_kind(path) for path in paths}
    print("| page | median ms | slowest ms | kB | |\n|---|--:|--:|--:|---|")
    async with Connection(url) as connection:
        while paths:
            path = paths.pop(0)
            reply, taken = await connection.send(get(path, cookie)), []
            for _ in range(TIMES):
                began_at = time.perf_counter()
                await connection.send(get(path, cookie))
                taken.append((time.perf_counter() - began_at) * 1_000)
            median, size = statistics.median(taken), len(reply.body) / 1_000
            verdict = f"answers {reply.status}" if reply.status != 200 else "" if median < TARGET_MS else "too slow"
            print(f"| {_kind(path)} | {median:.1f} | {max(taken):.1f} | {size:.0f} | {verdict} |", flush=True)
            for link in _LINK.findall(reply.body.decode()):
                if _kind(link) not in seen:
                    seen.add(_kind(link))
                    paths.append(link)


def _kind(path: str) -> str:
    """Returns a path with its identifiers left out."""
    return re.sub(r"/(?:[a-z]+_)?[0-9A-Za-z]{20,}", "/…", path)


def _fill(one: Installation, people: int, others: int, acts: int) -> str:
    """Loads, and returns the cookie of an administrator with two factors."""
    database = Database(one.settings.database_url)
    try:
        user_ids = database.write(lambda tx: _load(tx, one.organization_id, people, others))
        for start in range(0, acts, 5_000):
            rows = list(_acts(one, user_ids, range(start, min(start + 5_000, acts))))
            database.write(partial(audit.record_all, rows=rows))
        began_at = time.monotonic()
        Sequencer(database, Clock(), one.settings.sealing_key, None).work_once(is_last=True)
        print(f"Numbered {acts / (time.monotonic() - began_at):,.0f} records a second.", flush=True)
        return database.write(lambda tx: _sign_in(tx, one.organization_id))
    finally:
        database.close()


def _load(transaction: Transaction, organization_id: str, people: int, others: int) -> list[str]:
    now, run = Clock().seconds(), transaction.connection.execute
    run(
        insert(organizations),
        [
            {
                "id": new_id(Kind.ORGANIZATION, now * 1_000),
                "name": f"Clinic {number}",
                "created_at": now,
                "second_factor_required": False,
                "solo_authority": False,
            }
            for number in range(others)
        ],
    )
    persons = [(new_id(Kind.USER, now * 1_000 + number), number) for number in range(people)]
    run(
        insert(users_table),
        [
            {
                "id": user_id,
                "email": f"person{number}@example.com",
                "email_key": f"person{number}@example.com",
                "first_name": f"Ada{number}",
                "last_name": f"Marsh{number % 97}",
                "created_at": now,
                "tokens_valid_after": 0,
            }
            for user_id, number in persons
        ],
    )
    member = {"organization_id": organization_id}
    run(insert(memberships_table), [member | {"user_id": user_id, "created_at": now} for user_id, _ in persons])
    roles = (Role.STAFF, Role.SUPPORT, Role.DEVELOPER, Role.MEDICAL_OPERATIONS)
    run(
        insert(membership_roles),
        [member | {"user_id": user_id, "role": roles[number % 4]} for user_id, number in persons],
    )
    words = [
        member | {"user_id": user_id, "word": word}
        for user_id, number in persons
        for word in member_words.words_of(Name(f"Ada{number}", f"Marsh{number % 97}"), f"person{number}@example.com")
    ]
    run(insert(member_words_table), words)
    return [user_id for user_id, _ in persons]


def _acts(one: Installation, user_ids: list[str], numbers: range) -> Iterator[dict[str, object]]:
    """Makes tokens, sign-ins and changes, ten seconds apart, the newest now."""
    now_us, machine_client = Clock().microseconds(), audit.Actor("client", one.client_id)
    for number in numbers:
        person = audit.Actor("person", user_ids[number % len(user_ids)])
        token = audit.Act(audit.Event.TOKEN_ISSUED, machine_client, one.organization_id, f"token-{number}")
        sign_in = audit.Act(audit.Event.SIGNED_IN, person, target=f"ses_{number}")
        change = audit.Act(audit.Event.SECRET_CREATED, person, one.organization_id, f"sec_{number % 1_000}")
        made = replace((token, sign_in, change)[number % 3], network="203.0.113.0/24")
        yield audit.row(made, now_us - number * 10_000_000)


def _sign_in(transaction: Transaction, organization_id: str) -> str:
    now = Clock().seconds()
    user = User(new_id(Kind.USER, now * 1_000), "admin@example.com", None, Name("Ruth", "Alder"), None)
    users.add(transaction, user, now)
    memberships.add(transaction, organization_id, user.id, [Role.ADMINISTRATOR], now)
    proof = Proof(user.id, (PASSWORD, ONE_TIME_CODE), "127.0.0.1", USER_AGENT)
    _session, handle = sessions.start(transaction, proof, now)
    return f"{NAME}={handle}"


if __name__ == "__main__":
    main()
