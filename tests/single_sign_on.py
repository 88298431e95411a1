"""An organization whose people must sign in with its identity provider, and sessions that came of it."""

from rxauth.domain import connections, domains, emergency_access, organization_settings, sessions, upstream_sessions
from rxauth.domain.audit import Actor
from rxauth.domain.connections import Connection
from rxauth.domain.domains import Domain
from rxauth.domain.sessions import LONGEST, Proof, Session
from rxauth.domain.upstream_identities import UpstreamIdentity
from rxauth.policy.assurance import FirstFactor
from rxauth.storage.database import Transaction
from tests.domain.test_connections import WANTED
from tests.live import Live
from tests.world import NOW

DOMAIN = "alder.example"
BY = Actor("person", "usr_ada")


class SingleSignOn:
    """Alder Clinic with a connection, a verified domain that leads to it, and whoever has emergency access."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.organization_id = live.world.alder.organization_id
        self.connection, self.domain = live.server.database.write(self._fill)

    def _fill(self, tx: Transaction) -> tuple[Connection, Domain]:
        key = self.live.server.sealing_key
        connection = connections.create(tx, self.organization_id, WANTED, key, NOW)
        connections.note_proven(tx, connection, NOW)
        domain = domains.add(tx, self.organization_id, DOMAIN, NOW)
        domains.verify(tx, domain, NOW)
        domains.lead_to(tx, domain, connection.id)
        return connection, domains.require(tx, self.organization_id, domain.id)

    def give_emergency_access(self, *user_ids: str) -> None:
        """Gives some administrators emergency access; they have a second factor."""
        now_us = self.live.clock.microseconds()
        self.live.server.database.write(
            lambda tx: emergency_access.name(tx, self.organization_id, user_ids, BY, now_us)
        )

    def ask_of_everybody(self, sole: FirstFactor | None = FirstFactor.CONNECTION) -> None:
        """Has everybody sign in with the identity provider from now on."""
        now = self.live.clock.seconds()
        self.live.server.database.write(
            lambda tx: organization_settings.change(tx, self.organization_id, LONGEST, now, sole_first_factor=sole)
        )

    def identity(self, subject: str, methods: tuple[str, ...] = ("fed",)) -> UpstreamIdentity:
        """Returns somebody for whom the identity provider vouches."""
        return UpstreamIdentity(
            self.organization_id,
            self.connection.id,
            subject,
            f"somebody@{DOMAIN}",
            None,
            None,
            groups=(),
            methods=methods,
            session="their-session",
        )

    def session(self, user_id: str, methods: tuple[str, ...] = ("fed",)) -> tuple[Session, str]:
        """Signs somebody in with the identity provider; returns the session and its cookie's value."""
        identity = self.identity(f"subject of {user_id}", methods)

        def work(tx: Transaction) -> tuple[Session, str]:
            proof = Proof(user_id, methods, "192.0.2.1", "A browser", self.organization_id)
            begun = sessions.start(tx, proof, self.live.clock.seconds())
            upstream_sessions.note(tx, begun[0].id, identity, self.live.server.sealing_key)
            return begun

        return self.live.server.database.write(work)
