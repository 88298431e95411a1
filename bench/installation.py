"""An installation to measure: an organization with its machine client and sample patients, on either engine."""

import base64
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy import text
from tests import postgres

from rxauth.app import make_keys, migrate_database
from rxauth.clock import Clock
from rxauth.crypto.sealing import new_sealing_key
from rxauth.domain import clients, organizations
from rxauth.policy.permissions import MACHINE_DEFAULT
from rxauth.sandbox import sample
from rxauth.settings import Settings, check
from rxauth.storage.database import Database, Transaction

AUDIENCE: Final = "http://localhost:8000"
ISSUER: Final = f"{AUDIENCE}/"
_NEVER_REACHED: Final = "1000000000"
SCOPE: Final = " ".join(MACHINE_DEFAULT)


@dataclass(frozen=True, slots=True)
class Installation:
    """A migrated database with something in it, and the settings to serve it."""

    settings: Settings
    organization_id: str
    client_id: str
    patient_ids: tuple[str, ...]
    secret: str = field(repr=False)

    def environment(self, port: int) -> dict[str, str]:
        """Returns the environment in which a server serves it on a port."""
        settings = self.settings
        return {name: value for name, value in os.environ.items() if not name.startswith("RXAUTH_")} | {
            "RXAUTH_ISSUER": settings.issuer,
            "RXAUTH_AUDIENCE": settings.audience,
            "RXAUTH_DATABASE_URL": settings.database_url,
            "RXAUTH_SEALING_KEY": base64.b64encode(settings.sealing_key).decode(),
            "RXAUTH_LISTEN_PORT": str(port),
            # One client asks here as often as thousands do elsewhere.
            "RXAUTH_CLIENT_REQUESTS_PER_MINUTE": _NEVER_REACHED,
            "RXAUTH_ORGANIZATION_REQUESTS_PER_MINUTE": _NEVER_REACHED,
            "RXAUTH_PERSON_REQUESTS_PER_MINUTE": _NEVER_REACHED,
            "RXAUTH_NETWORK_REQUESTS_PER_MINUTE": _NEVER_REACHED,
        }


class Cluster(postgres.Cluster):
    """A PostgreSQL server as the tests start one, but its commits wait for the disk, as everybody's do."""

    def start(self) -> None:
        """Starts the server with the settings that PostgreSQL comes with."""
        options = f"-k {self.folder} -c listen_addresses="
        self._run(
            "pg_ctl", "--pgdata", self._data, "--wait", "--log", f"{self._data}/log", "--options", options, "start"
        )


def on_sqlite(folder: Path) -> Installation:
    """Makes an installation in a folder."""
    return _make(f"sqlite:///{folder / 'bench.sqlite'}", None)


def on_postgres(cluster: Cluster, name: str = "bench") -> Installation:
    """Makes an installation in a cluster."""
    cluster.sql(f"CREATE DATABASE {name} OWNER {postgres.OWNER} LOCALE 'C.UTF-8' TEMPLATE template0")
    folder = str(cluster.folder)
    return _make(
        postgres.url(folder, postgres.SERVING, name),
        postgres.url(folder, postgres.OWNER, name),
    )


def _make(url: str, owner_url: str | None) -> Installation:
    given = {
        "issuer": ISSUER,
        "audience": AUDIENCE,
        "database_url": url,
        "sealing_key": base64.b64encode(new_sealing_key()).decode(),
    }
    settings = check(given if owner_url is None else given | {"owner_database_url": owner_url})
    clock = Clock()
    migrate_database(settings)
    database = Database(settings.database_url)
    try:
        make_keys(settings, database, clock)
        return database.write(lambda tx: _fill(tx, settings, clock))
    finally:
        database.close()


def _fill(transaction: Transaction, settings: Settings, clock: Clock) -> Installation:
    now = clock.seconds()
    organization = organizations.create(transaction, "Bench Clinic", now)
    secret = clients.create_machine_client(transaction, organization.id, "Bench backend", MACHINE_DEFAULT, now)
    sample.load_reference(transaction)
    sample.load_organization(transaction, organization.id, clock.milliseconds())
    patients = transaction.connection.execute(text("SELECT id FROM patients ORDER BY id")).all()
    return Installation(settings, organization.id, secret.client_id, tuple(row.id for row in patients), secret.text)
