"""E-mail domains: which can be one's own, what DNS must say of them, and that they are one organization's at a time."""

from collections.abc import Iterator

import pytest

from rxauth.domain import domain_acts, domain_names, domain_proofs, domains, memberships
from rxauth.domain.audit import Actor
from rxauth.domain.domain_proofs import LOOK_EVERY_S, MISSING_FOR_S, Records, UnprovenError
from rxauth.domain.domains import KEPT_S, Domain, TakenError
from rxauth.domain.errors import AbsentError, ExistsError, InvalidError
from rxauth.policy.roles import Role
from rxauth.storage.database import Database, Transaction
from tests.domain.test_connections import add as add_connection
from tests.people import add_person, outbox, subjects
from tests.world import NOW, World

BY = Actor("person", "usr_ada")
DAY = 86_400
NOTHING = Records((), is_whole=True)
SILENCE = Records((), is_whole=False)


@pytest.fixture
def database(world: World) -> Iterator[Database]:
    """The database of a world."""
    opened = world.open()
    yield opened
    opened.close()


def add(database: Database, organization_id: str, name: str = "clinic.example") -> Domain:
    """Adds a domain."""
    return database.write(lambda tx: domain_acts.add(tx, organization_id, name, BY, NOW * 1_000_000))


def published(domain: Domain) -> Records:
    """Returns what DNS has once the domain's record is published."""
    return Records(("v=spf1 -all", domain.record), is_whole=True)


def prove(database: Database, domain: Domain, records: Records | None = None) -> Domain:
    """Verifies a domain."""
    found = published(domain) if records is None else records
    return database.write(lambda tx: domain_proofs.prove(tx, domain, found, BY, NOW * 1_000_000))


def verified(database: Database, organization_id: str, name: str = "clinic.example") -> Domain:
    """Adds a domain and verifies it."""
    return prove(database, add(database, organization_id, name))


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Clinic.Example", "clinic.example"),
        (" @clinic.example. ", "clinic.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("CLINIC。EXAMPLE", "clinic.example"),  # a full stop of East Asia is one in a domain (UTS 46)
    ],
)
def test_a_domain_is_kept_as_dns_has_it(typed: str, name: str) -> None:
    assert domain_names.require_own(typed) == name
    assert domain_names.domain_of(f"ada@{typed.strip(' @')}") == name


@pytest.mark.parametrize(
    "typed",
    [
        *(
            "",
            "clinic",
            "192.0.2.1",
            "[192.0.2.1]",
            "a..example",
            "-a.example",
            "a b.example",
            "a\x00.example",
            "a" * 300,
        ),
        *("gmail.com", "Outlook.com", "web.de"),  # whose people nobody's are
        *("com", "co.uk", "k12.ca.us", "github.io", "duckdns.org"),  # whoever gets `_rxauth` below one would have all
    ],
)
def test_what_anybody_can_be_in_is_nobody_s_own(typed: str) -> None:
    with pytest.raises(InvalidError) as refused:
        domain_names.require_own(typed)
    assert refused.value.field == "name"


def test_a_domain_is_found_by_an_address_once_it_is_verified(world: World, database: Database) -> None:
    alder, birch = world.alder.organization_id, world.birch.organization_id
    domain = add(database, alder, "bücher.example")
    assert database.read(lambda tx: domains.of_email(tx, "ada@bücher.example")) is None
    prove(database, domain)

    def found(email: str) -> bool:
        return database.read(lambda tx: domains.of_email(tx, email)) is not None

    assert found("Ada@BÜCHER.example")
    assert found('"a@elsewhere.example"@xn--bcher-kva.example')
    assert not any(found(f"ada@{one}") for one in ("a.bücher.example", "bücher.example.evil.example", "example", ""))
    assert database.read(lambda tx: domains.is_verified(tx, alder, "bücher.example"))
    assert database.write(lambda tx: domains.is_held(tx, alder, "BÜCHER.example"))
    assert not database.read(lambda tx: domains.is_verified(tx, birch, "bücher.example"))
    assert not database.write(lambda tx: domains.is_held(tx, birch, "bücher.example"))


def test_nobody_claims_a_domain_that_another_organization_proved(world: World, database: Database) -> None:
    alder, birch = world.alder.organization_id, world.birch.organization_id
    mine = verified(database, alder)
    theirs = add(database, birch)
    with pytest.raises(UnprovenError):  # each organization has a challenge of its own
        prove(database, theirs, published(mine))
    with pytest.raises(TakenError):
        prove(database, theirs)
    database.write(lambda tx: domains.remove(tx, mine))
    prove(database, theirs)
    assert database.read(lambda tx: domains.is_verified(tx, birch, "clinic.example"))


def test_a_dangling_record_opens_nothing(world: World, database: Database) -> None:
    """What was published once, and stays in DNS, verifies nothing that is added or verified again later."""
    alder = world.alder.organization_id
    first = verified(database, alder)
    database.write(lambda tx: domains.remove(tx, first))
    with pytest.raises(UnprovenError) as refused:
        prove(database, add(database, alder), published(first))
    assert "something else" in str(refused.value)
    assert first.challenge not in str(refused.value)


def test_what_nobody_verified_is_forgotten_and_what_counts_is_not(world: World, database: Database) -> None:
    kept, forgotten = verified(database, world.alder.organization_id), add(database, world.birch.organization_id)
    database.write(lambda tx: domains.forget(tx, NOW + KEPT_S - 1))
    database.read(lambda tx: domains.require(tx, forgotten.organization_id, forgotten.id))
    database.write(lambda tx: domains.forget(tx, NOW + KEPT_S))
    database.read(lambda tx: domains.require(tx, kept.organization_id, kept.id))
    with pytest.raises(AbsentError):
        database.read(lambda tx: domains.require(tx, forgotten.organization_id, forgotten.id))


def test_a_domain_is_added_once_and_there_are_so_many_of_them(
    world: World, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domains, "DOMAINS_LIMIT", 2)
    alder = world.alder.organization_id
    add(database, alder)
    with pytest.raises(ExistsError):
        add(database, alder, "CLINIC.example")
    add(database, alder, "laboratory.example")
    with pytest.raises(InvalidError):
        add(database, alder, "one-more.example")


def test_a_domain_leads_to_a_connection_of_its_own_organization_only(world: World, database: Database) -> None:
    domain = verified(database, world.alder.organization_id)
    connection = add_connection(database, world.birch.organization_id)
    with pytest.raises(AbsentError):
        database.write(lambda tx: domain_acts.lead_to(tx, domain, connection.id, BY, NOW * 1_000_000))


class Watched:
    """A verified domain that is looked at day after day."""

    def __init__(self, world: World, database: Database) -> None:
        self.world, self.database = world, database
        self.domain = verified(database, world.alder.organization_id)

    def look(self, records: Records, now: int) -> Domain:
        """Looks at it, if it is its turn; returns it as it is then."""

        def work(tx: Transaction) -> Domain:
            due = domain_proofs.claim(tx, now)
            if due is not None:
                domain_proofs.settle(tx, due, records, outbox(self.world), now * 1_000_000)
            return domains.require(tx, self.domain.organization_id, self.domain.id)

        return self.database.write(work)


@pytest.fixture
def watched(world: World, database: Database) -> Watched:
    """A verified domain with an administrator to write to."""

    def fill(tx: Transaction) -> None:
        for name, role in (("ada", Role.ADMINISTRATOR), ("ben", Role.STAFF)):
            memberships.add(tx, world.alder.organization_id, add_person(tx, f"{name}@x.example").id, [role], NOW)

    database.write(fill)
    return Watched(world, database)


def test_dns_that_does_not_answer_takes_no_domain(watched: Watched) -> None:
    for day in range(1, 40):
        assert watched.look(SILENCE, NOW + day * LOOK_EVERY_S).missing_since is None
    assert watched.look(SILENCE, NOW + 41 * DAY).verified_at is not None
    assert subjects(watched.database, watched.world) == []


def test_a_record_that_is_gone_for_a_week_takes_the_domain_and_putting_it_back_does_not_help(watched: Watched) -> None:
    start = NOW + LOOK_EVERY_S
    assert watched.look(NOTHING, start - 1).missing_since is None  # it is not its turn yet
    assert watched.look(NOTHING, start).missing_since == start
    assert subjects(watched.database, watched.world, "ada@x.example") == ["The DNS record of clinic.example is missing"]
    assert watched.look(NOTHING, start + 6 * DAY).verified_at is not None
    assert watched.look(SILENCE, start + 7 * DAY).verified_at is not None
    lost = watched.look(NOTHING, start + 7 * DAY + LOOK_EVERY_S)
    assert (lost.verified_at, lost.missing_since) == (None, None)
    assert "clinic.example is no longer verified" in subjects(watched.database, watched.world, "ada@x.example")
    assert subjects(watched.database, watched.world, "ben@x.example") == []
    with pytest.raises(UnprovenError):
        prove(watched.database, lost, published(watched.domain))
    assert prove(watched.database, lost).verified_at is not None
    assert MISSING_FOR_S == 7 * DAY


def test_a_record_that_is_back_in_time_counts_as_if_it_had_never_gone(watched: Watched) -> None:
    start = NOW + LOOK_EVERY_S
    watched.look(NOTHING, start)
    assert watched.look(published(watched.domain), start + 2 * DAY).missing_since is None
    assert watched.look(NOTHING, start + 20 * DAY).verified_at is not None


def test_a_record_says_nothing_of_its_organization(world: World, database: Database) -> None:
    domain = add(database, world.alder.organization_id)
    assert world.alder.organization_id not in domain.record
    assert len(domain.challenge) == 43
