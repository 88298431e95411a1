"""The installation that fault runs serve: a clinic with its machine, providers, and people who decide about them.

It is made once, on a server that is then stopped; each fault begins on a copy of its files.
"""

import os
import shutil
import time
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from rxauth.domain import authorization_codes, sessions
from rxauth.domain.authorization_codes import Authorized
from rxauth.domain.sessions import Proof
from rxauth.settings import Settings
from rxauth.storage.database import Database, Transaction
from tests import postgres
from tests.faults.cluster import PORT, Cluster
from tests.faults.stage import staged
from tests.storage.test_database import database_name
from tests.token_holders import CALLBACK, SCOPE, App, Holders, Waiting
from tests.world import AUDIENCE, Template, Tenant, World

# A run is short, and nothing of it is to end by itself.
SETTINGS: Final[dict[str, Any]] = {"person_token_lifetime_s": 86_400, "session_idle_s": 86_400}


@dataclass(frozen=True)
class Clinic:
    """Who is in it, and where its database is. providers: those who prescribe; ann and bob decide about them."""

    settings: Settings
    name: str
    organization_id: str
    machine: Tenant
    app: App
    ann: str
    bob: str
    providers: tuple[str, ...]
    patient: str
    treatment: str

    def at(self, socket: Path, address: str | None = None) -> "Clinic":
        """Returns the clinic in a copy of its database: on a socket, or at an address as servers reach it."""
        if address is None:
            url = postgres.url(str(socket), postgres.SERVING, self.name)
        else:
            url = f"postgresql://{postgres.SERVING}@{address}:{PORT}/{self.name}"
        owner = postgres.url(str(socket), postgres.OWNER, self.name)
        return replace(self, settings=replace(self.settings, database_url=url, owner_database_url=owner))


class SignIns:
    """What a sign-in leaves in the database: whoever signs in gets a code at once, past every page."""

    def __init__(self, clinic: Clinic, database: Database) -> None:
        self._clinic = clinic
        self._database = database

    def code(self, user_id: str, methods: Sequence[str] = ("pwd", "otp")) -> Waiting:
        """Signs somebody in; returns a code that waits for the clinic's app.

        Raises:
            DatabaseUnavailableError: nobody can sign in now.
        """
        clinic, now = self._clinic, int(time.time())
        waiting = Waiting("", clinic.app, os.urandom(32).hex())

        def work(tx: Transaction) -> str:
            session, _ = sessions.start(tx, Proof(user_id, tuple(methods), "192.0.2.1", "A browser"), now)
            sessions.note_client(tx, session.id, clinic.app.client_id, now)
            authorized = Authorized(
                clinic.app.client_id,
                user_id,
                session.id,
                clinic.organization_id,
                CALLBACK,
                waiting.challenge,
                AUDIENCE,
                SCOPE,
                None,
            )
            return authorization_codes.issue(tx, authorized, now)

        return replace(waiting, text=self._database.write(work))


def settled_in(world: World) -> Clinic:
    """Fills a world on PostgreSQL; whatever is done in it from then on, its database notes."""
    world = replace(world, settings=replace(world.settings, **SETTINGS))
    with staged(world) as stage:
        holders = Holders(stage.live)
        return Clinic(
            world.settings,
            database_name(world),
            stage.organization_id,
            world.alder,
            holders.spa,
            stage.ann,
            stage.bob,
            tuple(stage.tokens),
            stage.patient,
            stage.treatment,
        )


@contextmanager
def _socket(folder: Path) -> Any:
    before = os.environ.get(postgres.VARIABLE)
    os.environ[postgres.VARIABLE] = str(folder)
    try:
        yield
    finally:
        del os.environ[postgres.VARIABLE]
        if before is not None:
            os.environ[postgres.VARIABLE] = before


def make(folder: Path) -> Clinic:
    """Makes a clinic, and leaves the files of its database in the folder `cluster/data`."""
    cluster = Cluster(folder / "cluster")
    try:
        with _socket(cluster.folder):
            clinic = settled_in(Template(folder, "postgresql").copy())
        cluster.stop()
    except BaseException:
        cluster.remove()
        raise
    shutil.rmtree(folder / "unused", ignore_errors=True)
    return clinic
