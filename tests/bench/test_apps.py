"""The apps that a benchmark composes of the server's parts still are made of them."""

import base64
import json
import os

import pytest
from bench.installation import Installation
from bench.machine import Cores

from bench import contenders, installation, servers

CORES = Cores(*sorted(os.sched_getaffinity(0))[:1], *sorted(os.sched_getaffinity(0))[-1:])


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation."""
    return installation.on_sqlite(tmp_path_factory.mktemp("bench"))


def test_a_machine_s_token_is_signed_with_es256(one: Installation) -> None:
    exchange = contenders.exchange(one)

    with servers.started(servers.es256_app(one), CORES, exchange) as server:
        token = exchange.once(server.url)["access_token"]

    assert json.loads(base64.urlsafe_b64decode(token.partition(".")[0] + "=="))["alg"] == "ES256"


def test_a_patient_is_read_without_anybody_being_asked_who_it_is(one: Installation) -> None:
    exchange = contenders.exchange(one)

    with servers.started(servers.bare_app(one), CORES, exchange) as server:
        answer = contenders.read(one, server.url).once(server.url)

    assert answer["data"]["patient"]["id"] == one.patient_ids[0]


def test_a_token_is_issued_though_nobody_numbers_its_record(one: Installation) -> None:
    exchange = contenders.exchange(one)

    with servers.started(servers.unchained_app(one), CORES, exchange) as server:
        assert exchange.once(server.url)["token_type"] == "Bearer"
