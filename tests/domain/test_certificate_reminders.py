"""Administrators hear of the last certificate of a SAML provider that ends: 30 and 7 days before, once each."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest

from rxauth.crypto.certificates import KeyPair, new_key_pair
from rxauth.domain import connections, memberships, organizations, saml_keys
from rxauth.domain.certificate_reminders import CertificateReminders
from rxauth.domain.connection_settings import SamlSettings
from rxauth.domain.connections import Connection
from rxauth.policy.roles import Role
from rxauth.storage.database import Database, Transaction
from tests.domain.test_connections import KEY, WANTED, add, database
from tests.people import add_person, letters, outbox
from tests.world import NOW, World

__all__ = ["database"]
DAY: Final = 86_400
ADA: Final = "ada@example.com"
# Keys take long to make: two, whose certificates end after 40 and 400 days.
FIRST, SECOND = (new_key_pair("idp.example", NOW, days * DAY) for days in (40, 400))


@dataclass
class Clinic:
    """Alder Clinic with its administrator and its SAML provider, whose certificate ends after 40 days."""

    world: World
    database: Database
    connection: Connection

    def signs_with(self, *pairs: KeyPair) -> None:
        """Has the provider sign with other certificates."""
        settings = signing_with(*pairs)
        wanted = replace(WANTED, name="alder-adfs", display_name="Hospital", settings=settings, secret=None)
        self.database.write(lambda tx: connections.change(tx, self.connection, wanted, KEY, NOW))

    def ours(self, pair: KeyPair) -> None:
        """Has this server sign with a certificate."""
        self.database.write(lambda tx: saml_keys.make_first(tx, self.connection, pair, KEY, NOW))

    def told(self, *moments: float) -> list[int]:
        """Looks after so many days each; returns how many letters the administrator has by then."""
        return [len(self.looked(self.database, days)) for days in moments]

    def looked(self, database: Database, days: float) -> Sequence[str]:
        """Looks after so many days; returns the subjects of the administrator's letters."""
        reminders, now = CertificateReminders(outbox(self.world)), NOW + int(days * DAY)
        while database.write(lambda tx: reminders.remind(tx, now)):
            pass
        return [one.subject for one in letters(database, self.world, ADA)]


def signing_with(*pairs: KeyPair) -> SamlSettings:
    """Returns the settings of a provider that signs with these certificates."""
    certificates = tuple(one.certificate.base64 for one in pairs)
    return SamlSettings("https://idp.example", "https://idp.example/sso", "redirect", certificates)


@pytest.fixture
def clinic(world: World, database: Database) -> Clinic:
    """The clinic on each engine, and another one with a connection of another kind."""

    def work(tx: Transaction) -> None:
        for name, roles in ((ADA, [Role.ADMINISTRATOR]), ("dev@example.com", [Role.DEVELOPER])):
            memberships.add(tx, world.alder.organization_id, add_person(tx, name).id, roles, NOW)
        other = add_person(tx, "other@example.com")
        memberships.add(tx, world.birch.organization_id, other.id, [Role.ADMINISTRATOR], NOW)

    database.write(work)
    add(database, world.birch.organization_id)
    wanted = replace(WANTED, name="alder-adfs", display_name="Hospital", settings=signing_with(FIRST), secret=None)
    return Clinic(world, database, add(database, world.alder.organization_id, wanted))


def test_administrators_are_told_30_and_7_days_before_and_nobody_else(clinic: Clinic) -> None:
    assert clinic.told(0, 9, 10, 10.1, 11, 32, 33, 34, 39, 40, 41) == [0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 2]
    sent = letters(clinic.database, clinic.world, ADA)
    assert {one.subject for one in sent} == {f"The certificate of Hospital ends in {days} days" for days in (30, 7)}
    assert f"/settings/connections/{clinic.connection.id}/certificates" in sent[0].text
    assert "Signing in goes on working after that" in sent[0].text
    for other in ("dev@example.com", "other@example.com"):
        assert letters(clinic.database, clinic.world, other) == []


def test_of_several_certificates_the_last_one_counts_as_they_are_at_the_look(clinic: Clinic) -> None:
    clinic.signs_with(FIRST, SECOND)
    assert clinic.told(10, 32.5) == [0, 0]  # the letter of 30 days is not made up for later on
    clinic.signs_with(FIRST)
    assert clinic.told(33.5) == [1]
    clinic.signs_with(SECOND)
    assert clinic.told(34.5, 369, 370, 370.5, 393) == [1, 1, 2, 2, 3]


def test_a_certificate_that_ends_soon_when_it_comes_is_told_once_and_one_that_ended_never(clinic: Clinic) -> None:
    assert list(clinic.looked(clinic.database, 20)) == ["The certificate of Hospital ends in 20 days"]
    assert clinic.told(20.1, 21, 41) == [1, 1, 1]


def test_our_own_certificate_is_told_of_in_the_same_way(clinic: Clinic) -> None:
    clinic.signs_with(SECOND)
    clinic.ours(FIRST)
    assert clinic.told(9, 10, 32, 33, 41) == [0, 1, 1, 2, 2]
    sent = letters(clinic.database, clinic.world, ADA)
    assert {one.subject for one in sent} == {f"This server's certificate at Hospital ends in {n} days" for n in (30, 7)}
    assert f"/settings/connections/{clinic.connection.id}/own-certificate" in sent[0].text


@pytest.mark.parametrize("ended", ["connection", "organization"])
def test_of_what_is_switched_off_nothing_is_said(clinic: Clinic, ended: str) -> None:
    acts: dict[str, Any] = {
        "connection": lambda tx: connections.switch(tx, clinic.connection, NOW, on=False),
        "organization": lambda tx: organizations.disable(tx, clinic.world.alder.organization_id, NOW),
    }
    clinic.database.write(acts[ended])
    assert clinic.told(10, 33) == [0, 0]


def test_several_servers_tell_once(clinic: Clinic) -> None:
    together = threading.Barrier(4)

    def look(_: int) -> None:
        with closing(clinic.world.open()) as database:
            together.wait()
            clinic.looked(database, 10)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(look, range(4)))
    assert clinic.told(10) == [1]
