"""A small world that tests begin in: two organizations with their credentials and sample data, on either engine."""

import shutil
import uuid
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine

from rxauth.clock import Clock
from rxauth.crypto.jws import ALGORITHMS, SigningKey, new_signing_key
from rxauth.domain import clients, organizations, signing_keys
from rxauth.policy.permissions import MACHINE_DEFAULT
from rxauth.sandbox import sample
from rxauth.settings import Settings, check
from rxauth.storage.database import Database, Transaction
from rxauth.storage.engines import parse_url
from rxauth.storage.migrations import migrate
from rxauth.storage.sight import ACROSS_ROLE
from tests import postgres

NOW = 1_795_435_200  # 2026-11-23 12:00:00 UTC
ISSUER = "http://localhost:8000/"
AUDIENCE = "http://localhost:8000"
LINGERING = 16  # servers end beside the tests that come next
SEALING_KEY = "c2VhbGluZy1rZXktb2YtdGhlLXRlc3RzLTMyLWJ5dGU="


class StandingClock(Clock):
    """A clock that stands still until a test moves it."""

    def __init__(self, at_s: int = NOW) -> None:
        self._at_us = at_s * 1_000_000

    def microseconds(self) -> int:
        """Returns the moment at which the clock stands."""
        return self._at_us

    def advance(self, seconds: float) -> None:
        """Moves the clock."""
        self._at_us += int(seconds * 1_000_000)


class TickingClock(StandingClock):
    """A clock that goes on by a millisecond whenever somebody looks, so that what happens later has a later time."""

    def microseconds(self) -> int:
        """Returns a moment after all that were returned before."""
        self.advance(0.001)
        return super().microseconds()


@dataclass(frozen=True)
class Tenant:
    """An organization and the credentials of its machine client."""

    organization_id: str
    client_id: str
    secret_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class World:
    """An installation that is not served yet."""

    settings: Settings
    alder: Tenant
    birch: Tenant
    current_key: SigningKey
    next_key: SigningKey

    def open(self) -> Database:
        """Opens the installation's database."""
        return Database(self.settings.database_url)

    def owner(self) -> Engine:
        """Opens connections of the owner of the tables, which see every row, as in a migration."""
        url = parse_url(self.settings.owner_database_url or self.settings.database_url)
        arguments = {} if url.drivername == "sqlite" else {"options": "-c rxauth.migrating=yes"}
        return create_engine(url, connect_args=arguments)


class Template:
    """A world made once, and copied for each test that wants one."""

    def __init__(self, folder: Path, engine: str) -> None:
        self._folder = folder
        self._socket = postgres_socket() if engine == "postgresql" else None
        self._name = f"template_{uuid.uuid4().hex[:12]}"
        self._names: dict[str, str] = {}
        self._taken_back: deque[str] = deque()
        url, owner_url = self._urls(self._name)
        if self._socket is not None:
            with self._admin() as admin:
                new = f"CREATE DATABASE {self._name} OWNER {postgres.OWNER} LOCALE 'C.UTF-8' TEMPLATE template0"
                admin.execute(new.encode())
        migrate(owner_url, url)
        database = Database(url)
        self._keys = (new_signing_key(), new_signing_key())
        self._other_keys = [(new_signing_key(one), new_signing_key(one)) for one in ALGORITHMS if one != "RS256"]
        self._tenants = database.write(self._fill)
        database.close()

    def copy(self) -> World:
        """Returns a fresh world."""
        name = f"world_{uuid.uuid4().hex[:12]}"
        url, owner_url = self._urls(name)
        self._names[url] = name
        if self._socket is None:
            self._remove_files()
            shutil.copy(self._folder / f"{self._name}.sqlite", self._folder / f"{name}.sqlite")
        else:
            with self._admin() as admin:
                self._drop(admin)
                # The faster of the two ways where files are in memory, and the only one before version 15.
                strategy = "STRATEGY FILE_COPY" if admin.info.server_version >= 150_000 else ""
                new = f"CREATE DATABASE {name} OWNER {postgres.OWNER} TEMPLATE {self._name} {strategy}"
                admin.execute(new.encode())
        return World(make_settings(url, owner_url), *self._tenants, *self._keys)

    def take_back(self, world: World) -> None:
        """Has a world removed, once nobody is in it any more and others have come after it."""
        self._taken_back.append(self._names.pop(world.settings.database_url))

    def _remove_files(self) -> None:
        while len(self._taken_back) > LINGERING:
            for file in self._folder.glob(f"{self._taken_back.popleft()}.sqlite*"):
                file.unlink(missing_ok=True)  # its last server, which ends beside other tests, was quicker

    def _drop(self, admin: Any) -> None:
        used = {row[0] for row in admin.execute(b"SELECT datname FROM pg_stat_activity WHERE datname IS NOT NULL")}
        for _ in range(len(self._taken_back) - LINGERING):
            name = self._taken_back.popleft()
            if name in used:
                self._taken_back.append(name)
            else:
                admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())  # its last server may look once more

    def _urls(self, name: str) -> tuple[str, str]:
        if self._socket is None:
            url = f"sqlite:///{self._folder / name}.sqlite"
            return url, url
        return postgres.url(self._socket, postgres.SERVING, name), postgres.url(self._socket, postgres.OWNER, name)

    @contextmanager
    def _admin(self) -> Iterator[Any]:
        import psycopg

        with psycopg.connect(f"host={self._socket} user=postgres dbname=postgres", autocommit=True) as connection:
            yield connection

    def _fill(self, transaction: Transaction) -> tuple[Tenant, Tenant]:
        key = make_settings("sqlite:///unused", None).sealing_key
        for pair in (self._keys, *self._other_keys):
            signing_keys.make_first(transaction, pair, key, NOW - 86_400)
        sample.load_reference(transaction)
        return add_tenant(transaction, "Alder Clinic"), add_tenant(transaction, "Birch Clinic")


def add_tenant(transaction: Transaction, name: str, *more: str) -> Tenant:
    """Adds an organization with its machine client and sample data; more: what else the machine is given."""
    organization = organizations.create(transaction, name, NOW)
    permissions = (*MACHINE_DEFAULT, *more)
    secret = clients.create_machine_client(transaction, organization.id, f"{name} backend", permissions, NOW)
    sample.load_organization(transaction, organization.id, NOW * 1000)
    return Tenant(organization.id, secret.client_id, secret.id, secret.text)


def see_everything(transaction: Transaction) -> None:
    """Lets a test's own statements, which no guard saw, touch the rows of every organization."""
    if transaction.connection.dialect.name == "postgresql":
        transaction.connection.exec_driver_sql(f"SET LOCAL ROLE {ACROSS_ROLE}")


def make_settings(url: str, owner_url: str | None, **others: object) -> Settings:
    """Returns the settings of a test's installation."""
    given = {"issuer": ISSUER, "audience": AUDIENCE, "database_url": url, "sealing_key": SEALING_KEY, **others}
    return check(given if owner_url is None else {**given, "owner_database_url": owner_url})


def postgres_socket() -> str:
    """Returns the folder of the run's PostgreSQL socket."""
    import os

    return os.environ[postgres.VARIABLE]
