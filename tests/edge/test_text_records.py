"""Text records are asked of a real name server; what it does not answer is not taken for an answer."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from dns import resolver

from rxauth.domain.domain_proofs import Records
from rxauth.edge import text_records
from rxauth.edge.text_records import TextRecords
from tests.name_server import NameServer, name_server

NAMES = ("_rxauth.clinic.example", "clinic.example")
LONG_S = 60


@pytest.fixture
def dns() -> Iterator[NameServer]:
    """A name server."""
    with name_server() as made:
        yield made


@pytest.fixture
def records(dns: NameServer, monkeypatch: pytest.MonkeyPatch) -> TextRecords:
    """What asks it, with the patience that a busy machine asks for."""
    monkeypatch.setattr(text_records, "LOOK_S", LONG_S)
    return TextRecords([dns.address])


def test_the_texts_of_all_names_are_found_whole(dns: NameServer, records: TextRecords) -> None:
    long = "a" * 700  # several strings in one record, and more than a datagram of old holds
    dns.texts = {"_rxauth.clinic.example": ["one", "two"], "clinic.example": ["v=spf1 -all", long]}
    found = records.look(NAMES)
    assert set(found.texts) == {"one", "two", "v=spf1 -all", long}
    assert found.is_whole


def test_that_there_is_no_such_name_is_an_answer(records: TextRecords) -> None:
    assert records.look(NAMES) == Records((), is_whole=True)


@pytest.mark.parametrize("how", ["failing", "silent"])
def test_a_failure_is_no_answer(
    dns: NameServer, records: TextRecords, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter((0.0, 0.0, LONG_S - 0.2))  # when it begins, and when it asks for each name
    monkeypatch.setattr(text_records, "time", SimpleNamespace(monotonic=looks.__next__))
    dns.texts = {"_rxauth.clinic.example": ["one"]}
    getattr(dns, how).add("clinic.example")
    found = records.look(NAMES)
    assert (found.texts, found.is_whole) == (("one",), False)


def test_nothing_is_asked_beneath_another_domain(dns: NameServer, records: TextRecords) -> None:
    """The search list of a machine would have somebody else answer."""
    records.look(NAMES)
    assert set(dns.asked) == set(NAMES)


def test_whoever_waits_too_long_for_its_turn_gets_no_answer(
    records: TextRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_records, "LOOK_S", 0.05)
    with records._turn:
        assert not records.look(NAMES).is_whole


def test_a_machine_without_name_servers_gets_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_args: object, **_named: object) -> None:
        raise resolver.NoResolverConfiguration

    monkeypatch.setattr(resolver, "Resolver", missing)
    assert not TextRecords().look(NAMES).is_whole
