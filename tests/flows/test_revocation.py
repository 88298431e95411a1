"""Stories of tokens that are ended before their time: at once where it is done, soon everywhere else."""

import dataclasses
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from rxauth.domain import clients, organizations
from rxauth.storage.database import Database, Transaction
from tests import postgres
from tests.conftest import ENGINES, make_world
from tests.live import PATIENCE_S, Live, Process, challenge_attributes, credentials, process, run, seconds_until
from tests.prescribing import Practice
from tests.security.forging import READ, accepted, refusal
from tests.world import NOW, StandingClock, Template, Tenant, World, add_tenant

TOLD = {
    "secret": "The client secret that this token was issued with was revoked.",
    "tokens": "Every token issued to this client before a certain moment was revoked, and this is one.",
    "client": "The client or the organization that this token was issued to is disabled.",
    "organization": "The client or the organization that this token was issued to is disabled.",
}
ENDED = list(TOLD)


@dataclasses.dataclass(frozen=True)
class Pair:
    """Two servers on one database."""

    world: World
    database: Database
    servers: tuple[Process, Process]


@pytest.fixture(scope="module", params=ENGINES)
def pair(
    request: pytest.FixtureRequest, templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    world = make_world(str(request.param), templates, tmp_path_factory)
    database = world.open()
    with process(world.settings) as first, process(world.settings) as second:
        yield Pair(world, database, (first, second))
    database.close()


def _command(tenant: Tenant, ended: str) -> list[str]:
    return {
        "secret": ["clients", "revoke-secret", tenant.client_id, tenant.secret_id],
        "tokens": ["clients", "revoke-tokens", tenant.client_id],
        "client": ["clients", "disable", tenant.client_id],
        "organization": ["organizations", "disable", tenant.organization_id],
    }[ended]


def _end(tenant: Tenant, ended: str, now: int) -> Callable[[Transaction], object]:
    """Returns the domain's own function for what `_command` does."""
    return {
        "secret": lambda tx: clients.revoke_secret(tx, tenant.client_id, tenant.secret_id, now),
        "tokens": lambda tx: clients.revoke_tokens(tx, tenant.client_id, now),
        "client": lambda tx: clients.disable(tx, tenant.client_id, now),
        "organization": lambda tx: organizations.disable(tx, tenant.organization_id, now),
    }[ended]


def _exchange(server: Process, tenant: Tenant) -> httpx.Response:
    return server.http.post("/oauth/token", json=credentials(tenant))


def _use(server: Process, token: str) -> httpx.Response:
    return server.http.post("/graphql", json={"query": READ}, headers={"authorization": f"Bearer {token}"})


def _refuses(server: Process, token: str) -> bool:
    return _use(server, token).status_code == 401


@pytest.mark.parametrize("ended", ENDED)
def test_what_a_command_ends_is_refused_by_every_server_soon(pair: Pair, ended: str) -> None:
    tenant = pair.database.write(lambda tx: add_tenant(tx, f"Clinic whose {ended} ends"))
    first, second = pair.servers
    token, bystander = (_exchange(first, one).json()["access_token"] for one in (tenant, pair.world.alder))
    assert all(accepted(_use(server, token)) for server in pair.servers)  # both remember it now

    done = run(pair.world.settings, *_command(tenant, ended))
    assert done.returncode == 0, done.stderr
    committed_at = time.monotonic()
    for server in pair.servers:
        seconds_until(committed_at, _refuses, server, token)
    for server in pair.servers:
        answer = _use(server, token)
        assert TOLD[ended] in challenge_attributes(answer)["error_description"]
        assert TOLD[ended] in answer.json()["errors"][0]["message"]
        assert accepted(_use(server, bystander))

    again = _exchange(second, tenant)
    if ended == "tokens":
        assert all(accepted(_use(server, again.json()["access_token"])) for server in pair.servers)
    else:
        assert again.status_code == 401
        assert again.json()["error"] == "invalid_client"


@pytest.mark.parametrize("ended", ENDED)
def test_what_ends_in_a_server_is_refused_by_that_server_at_once(live: Live, ended: str) -> None:
    tenant = live.world.alder
    token, bystander = live.token(tenant), live.token(live.world.birch)
    assert accepted(live.graphql(token, READ))

    live.server.database.write(_end(tenant, ended, NOW))

    assert TOLD[ended] in refusal(live, token)
    assert accepted(live.graphql(bystander, READ))
    assert live.exchange(tenant).status_code == (200 if ended == "tokens" else 401)


@pytest.mark.parametrize("ended", ENDED)
def test_a_token_that_a_server_issued_before_it_heard_of_the_end_is_refused_when_it_has(
    sqlite_world: World, ended: str
) -> None:
    tenant = sqlite_world.alder
    with ExitStack() as stack:
        told, untold = (Live(sqlite_world, StandingClock()) for _ in range(2))
        stack.callback(told.stop)
        stack.callback(untold.stop)
        untold.server.feed.stop()
        untold.token(tenant)  # so that it remembers the client
        told.server.database.write(_end(tenant, ended, NOW))

        late = untold.token(tenant)
        assert accepted(untold.graphql(late, READ))
        assert TOLD[ended] in refusal(told, late)

        untold.server.feed.poll()
        assert TOLD[ended] in refusal(untold, late)


def test_a_token_issued_right_after_all_were_revoked_works(live: Live) -> None:
    tenant = live.world.alder
    before = live.token(tenant)
    live.server.database.write(lambda tx: clients.revoke_tokens(tx, tenant.client_id, NOW))
    after = live.token(tenant)

    assert accepted(live.graphql(after, READ))
    refusal(live, before)
    live.clock.advance(3600)
    assert accepted(live.graphql(after, READ))
    refusal(live, before)


def test_all_tokens_can_be_revoked_again_and_again(sqlite_live: Live) -> None:
    tenant = sqlite_live.world.alder
    for _ in range(3):
        token = sqlite_live.token(tenant)
        assert accepted(sqlite_live.graphql(token, READ))
        sqlite_live.clock.advance(2)
        now = sqlite_live.clock.seconds()
        sqlite_live.server.database.write(_end(tenant, "tokens", now))
        refusal(sqlite_live, token)


def test_a_rotated_secrets_tokens_live_on_when_it_expires_and_end_when_it_is_revoked(sqlite_live: Live) -> None:
    tenant, database = sqlite_live.world.alder, sqlite_live.server.database
    old = sqlite_live.token(tenant)
    made = database.write(lambda tx: clients.rotate_secret(tx, tenant.client_id, 3_600, NOW))
    renewed = Tenant(tenant.organization_id, made.client_id, made.id, made.text)
    new = sqlite_live.token(renewed)
    assert sqlite_live.exchange(tenant).status_code == 200

    sqlite_live.clock.advance(3_600)
    assert sqlite_live.exchange(tenant).status_code == 401
    assert accepted(sqlite_live.graphql(old, READ))

    database.write(_end(tenant, "secret", sqlite_live.clock.seconds()))
    assert TOLD["secret"] in refusal(sqlite_live, old)
    assert accepted(sqlite_live.graphql(new, READ))


def test_a_secret_that_is_not_the_clients_own_cannot_be_revoked_through_it(sqlite_world: World) -> None:
    alder, birch = sqlite_world.alder, sqlite_world.birch
    done = run(sqlite_world.settings, "clients", "revoke-secret", alder.client_id, birch.secret_id)

    assert done.returncode == 1
    assert "has no secret" in done.stderr
    assert done.stdout == ""


NEEDS_NO_DATABASE = "mutation { __typename }"


def test_a_server_cut_off_from_its_database_for_too_long_accepts_nothing_that_could_have_been_revoked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = postgres.Cluster()
    monkeypatch.setenv(postgres.VARIABLE, str(cluster.folder))
    with ExitStack() as stack:
        stack.callback(cluster.remove)
        world = Template(tmp_path, "postgresql").copy()
        world = dataclasses.replace(world, settings=dataclasses.replace(world.settings, staleness_bound_s=1))
        live = Live(world, StandingClock())
        stack.callback(live.stop)
        token = live.token(world.alder)
        assert live.data(token, NEEDS_NO_DATABASE) == {"__typename": "Mutation"}
        practice = Practice(live)
        practice.written()

        cluster.stop()
        refused = _first_that(503, lambda: live.graphql(token, NEEDS_NO_DATABASE))
        assert refused.json()["errors"][0]["extensions"] == {"code": "UNAVAILABLE"}
        assert "has not heard from its database for too long" in refused.json()["errors"][0]["message"]
        assert int(refused.headers["retry-after"]) > 0
        for answer in (live.exchange(world.alder), live.graphql(token, READ), practice.create()):
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) > 0
        refusal(live, "not.a.token")  # what is wrong with a token by itself needs no database to say
        assert live.http.get("/.well-known/jwks.json").status_code == 200

        cluster.start()
        _first_that(200, lambda: live.graphql(token, NEEDS_NO_DATABASE))
        assert accepted(live.graphql(live.token(world.alder), READ))
        practice.written()


def _first_that(status: int, ask: Callable[[], httpx.Response]) -> httpx.Response:
    """Asks until an answer has the status."""
    deadline = time.monotonic() + PATIENCE_S
    while (answer := ask()).status_code != status:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.05)
    return answer
