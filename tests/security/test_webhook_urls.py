"""M-24: a webhook as a way into the network of the server, at the moment it is set and at every send."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from rxauth.domain import webhook_log
from rxauth.domain.webhooks import Keeper
from rxauth.policy.roles import Role
from rxauth.storage.database import Database, Transaction
from tests.api.answers import the_error
from tests.edge.test_outbound import PRIVATE
from tests.live import Live
from tests.token_holders import Holders
from tests.webhook_receiver import LOOPBACK, Post, Receiver
from tests.world import StandingClock, World, see_everything

CREATE = "mutation($url: String!) { createWebhookConfig(url: $url) { id } }"
UPDATE = "mutation($id: ID!, $url: String) { updateWebhookConfig(id: $id, url: $url) { id } }"
WAYS_IN = [
    *(url.replace("http://", "https://") for url in PRIVATE),
    "https://127.0.0.1./x",
    "https://app.localhost/x",
    "https://LOCALHOST:8443/x",
    "https://0177.0.0.1/x",
    "https://127.1/x",
    "https://[::ffff:7f00:1]:8443/x",
    "https://[fe80::1%25eth0]/x",
]


@pytest.fixture
def database(sqlite_world: World) -> Iterator[Database]:
    """The database of a world."""
    opened = sqlite_world.open()
    yield opened
    opened.close()


@pytest.fixture
def post(sqlite_world: World, database: Database, clock: StandingClock) -> Post:
    """The webhooks of a world, which may be on this machine when they are set."""
    return Post(sqlite_world, clock, database)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Something that listens on this machine."""
    running = Receiver()
    yield running
    running.stop()


def outcome(post: Post) -> str | None:
    """Returns what came of the last delivery."""
    return post.database.read(lambda tx: webhook_log.log(tx, post.organization_id, 1))[0].outcome


def test_no_address_inside_is_accepted_when_it_is_set(sqlite_live: Live) -> None:
    """Set anew, or put in the place of one that was accepted."""
    sqlite_live.edge.api.keeper = Keeper(sqlite_live.server.sealing_key)
    holders = Holders(sqlite_live)
    token = holders.tokens(holders.person(Role.DEVELOPER))["access_token"]
    good = sqlite_live.data(token, CREATE, {"url": "https://receiver.example/hook"})["createWebhookConfig"]["id"]
    for url in WAYS_IN:
        for document, values in ((CREATE, {}), (UPDATE, {"id": good})):
            error = the_error(sqlite_live.graphql(token, document, {"url": url} | values))
            assert (url, error["extensions"]["code"]) == (url, "BAD_USER_INPUT")
            assert "url" in error["message"]
    listed = sqlite_live.data(token, "{ webhooks { url } }")["webhooks"]
    assert listed == [{"url": "https://receiver.example/hook"}]


def test_what_was_accepted_is_judged_again_at_every_send(post: Post, receiver: Receiver) -> None:
    """The network was named when it was set, and is not any more."""
    post.webhook(receiver.url)
    post.happen("ord_1")
    assert post.sender(networks=()).deliver() == 0
    assert (receiver.got, outcome(post)) == ([], "forbidden_address")


@pytest.mark.parametrize("answers", [["127.0.0.1"], ["93.184.216.34", "127.0.0.1"]], ids=["inside", "both"])
def test_a_name_that_leads_inside_is_not_called(
    post: Post, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, answers: list[str]
) -> None:
    port = receiver.url.rpartition(":")[2].partition("/")[0]
    post.webhook(f"https://rebind.example:{port}/hook")
    post.happen("ord_1")
    _resolve(monkeypatch, [answers])
    assert post.sender(networks=()).deliver() == 0
    assert (receiver.got, outcome(post)) == ([], "forbidden_address")


def test_a_name_that_changes_is_asked_for_once_and_the_address_that_was_judged_is_called(
    post: Post, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the second answer would lead to where nobody may be sent."""
    port = receiver.url.rpartition(":")[2].partition("/")[0]
    post.webhook(f"https://rebind.example:{port}/hook")
    post.happen("ord_1")

    def unsecure(transaction: Transaction) -> None:
        see_everything(transaction)
        transaction.connection.exec_driver_sql("UPDATE webhooks SET url = replace(url, 'https:', 'http:')")

    post.database.write(unsecure)
    asked = _resolve(monkeypatch, [["127.0.0.1"], ["10.0.0.1"]])
    assert post.sender(LOOPBACK).deliver() == 1
    assert asked == ["rebind.example"]
    assert receiver.got[0].headers["host"] == f"rebind.example:{port}"


def test_a_redirect_leads_nowhere(post: Post, receiver: Receiver) -> None:
    inside = Receiver()
    receiver.judge, receiver.location = lambda _got: 307, inside.url
    post.webhook(receiver.url)
    post.happen("ord_1")
    assert post.deliver() == 0
    inside.stop()
    assert (len(receiver.got), inside.got, outcome(post)) == (1, [], "http_307")


def test_no_proxy_of_the_environment_is_used(post: Post, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = Receiver()
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)
    post.webhook(receiver.url)
    post.happen("ord_1")
    assert post.deliver() == 1
    proxy.stop()
    assert proxy.got == []


def _resolve(monkeypatch: pytest.MonkeyPatch, answers: list[list[str]]) -> list[str]:
    """Has the machine's resolver answer the names of .example, one list after the other; returns the names it gets."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def resolve(host: Any, port: Any, *arguments: Any, **options: Any) -> Any:
        if not str(host).endswith(".example"):
            return real(host, port, *arguments, **options)
        asked.append(str(host))
        found = answers[min(len(asked), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked
