"""Work that is killed many times a second: each act is one transaction, and what was committed is said at once.

The acts are those whose loss would hurt: secrets made and revoked, sessions begun and ended, codes spent, what was
authorized taken back, providers suspended and restored, records of tokens.
"""

import json
import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rxauth.crypto import secrets
from rxauth.domain import (
    audit,
    authorization_codes,
    client_records,
    clients,
    provider_acts,
    providers,
    sessions,
    token_families,
)
from rxauth.domain.audit import Act, Event
from rxauth.domain.authorization_codes import Authorized
from rxauth.domain.provider_acts import Reason
from rxauth.domain.sessions import Proof
from rxauth.policy.authority import PERMISSIONS, Doer, State
from rxauth.storage.database import Database, Origin, Transaction
from tests.token_holders import CALLBACK, SCOPE
from tests.world import AUDIENCE, NOW

Things = list[tuple[str, str]]  # what an act leaves: its sort, and which
Say = Callable[[str], object]
_OVERLAP_S = 3_600
_TOKENS = 4


@dataclass(frozen=True)
class Desk:
    """Where one worker after the other works: an organization, and those whom the acts are about."""

    organization_id: str
    machine_id: str
    app_id: str
    user_id: str
    provider_id: str
    seconds: tuple[str, str]  # the two people who decide about the provider


class Worker:
    """One process's work. name: different for each, so that each act has a request of its own.

    codes: some that others issued, spent or not. is_lying: it says of each act that it is committed before it is.
    """

    def __init__(
        self, database: Database, desk: Desk, name: str, codes: Sequence[str], say: Say, *, is_lying: bool = False
    ) -> None:
        self._database = database
        self._desk = desk
        self._name = name
        self._codes = list(codes)
        self._say = say
        self._is_lying = is_lying
        self._chance = random.Random(name)
        self._acts = 0
        self._session: str | None = None
        self._family: str | None = None

    def work(self) -> None:
        """Works until it is killed."""
        acts = (self._keep_secrets, self._sign_in_or_out, self._issue, self._spend, self._give_back, self._decide)
        while True:
            self._do(self._chance.choice((*acts, self._record)))

    def _do(self, act: Callable[[Transaction], Things]) -> None:
        self._acts += 1
        request_id = f"{self._name}-{self._acts}"

        def work(transaction: Transaction) -> Things:
            things = act(transaction)
            if self._is_lying and things:
                self._say(json.dumps([request_id, things]))
            return things

        things = self._database.write(work, Origin("192.0.2.1", request_id))
        if things and not self._is_lying:
            self._say(json.dumps([request_id, things]))
        for sort, which in things:
            self._remember(sort, which)

    def _remember(self, sort: str, which: str) -> None:
        match sort:
            case "session":
                self._session = which
            case "ended session":
                self._session = None
            case "code":
                self._codes.append(which)
            case "family":
                self._family = which
            case "revoked family":
                self._family = None
            case _:
                pass

    def _note(self, transaction: Transaction, event: Event, target: str) -> None:
        act = Act(event, audit.OPERATOR, self._desk.organization_id, target)
        audit.record(transaction, act, NOW * 1_000_000)

    def _keep_secrets(self, transaction: Transaction) -> Things:
        client = client_records.load(transaction, self._desk.machine_id)
        assert client is not None
        live = [one for one in client.secrets if one.is_live(NOW)]
        if len(live) < clients.LIVE_SECRETS_LIMIT:
            new = clients.rotate_secret(transaction, client.id, _OVERLAP_S, NOW)
            self._note(transaction, Event.SECRET_CREATED, new.id)
            return [("secret", new.id)]
        clients.revoke_secret(transaction, client.id, live[0].id, NOW)
        self._note(transaction, Event.SECRET_REVOKED, live[0].id)
        return [("revoked secret", live[0].id)]

    def _sign_in_or_out(self, transaction: Transaction) -> Things:
        session_id = self._session
        if session_id is not None and self._chance.random() < 0.5:
            if not sessions.end(transaction, session_id, self._desk.user_id, NOW):
                return []
            self._note(transaction, Event.SIGNED_OUT, session_id)
            return [("ended session", session_id)]
        session, _ = sessions.start(transaction, Proof(self._desk.user_id, ("pwd",), "192.0.2.1", "A browser"), NOW)
        self._note(transaction, Event.SIGNED_IN, session.id)
        return [("session", session.id)]

    def _issue(self, transaction: Transaction) -> Things:
        if self._session is None:
            return []
        desk, challenge = self._desk, os.urandom(32).hex()[:43]
        authorized = Authorized(
            desk.app_id,
            desk.user_id,
            self._session,
            desk.organization_id,
            CALLBACK,
            challenge,
            AUDIENCE,
            SCOPE,
            None,
        )
        return [("code", authorization_codes.issue(transaction, authorized, NOW))]

    def _spend(self, transaction: Transaction) -> Things:
        if not self._codes:
            return []
        text = self._codes[self._chance.randrange(len(self._codes))]
        code = authorization_codes.spend(transaction, text, NOW)
        if code is None or not code.is_first_use:
            return []
        family, _ = token_families.begin(transaction, code, os.urandom(32), NOW)
        self._note(transaction, Event.TOKEN_ISSUED, family.id)
        return [("spent code", secrets.digest(text).hex()), ("family", family.id)]

    def _give_back(self, transaction: Transaction) -> Things:
        family_id = self._family
        if family_id is None or not token_families.revoke(transaction, family_id, NOW):
            return []
        self._note(transaction, Event.AUTHORIZATION_REVOKED, family_id)
        return [("revoked family", family_id)]

    def _decide(self, transaction: Transaction) -> Things:
        desk = self._desk
        first, second = (Doer(one, frozenset(PERMISSIONS.values()), NOW) for one in desk.seconds)
        of = (transaction, desk.organization_id, desk.provider_id)
        found = providers.find(*of)
        assert found is not None
        if found.state is State.APPROVED:
            provider_acts.suspend(*of, Reason.REQUESTED, doer=first, now=NOW)
            return [("suspended", desk.provider_id)]
        if found.proposal is None:
            provider_acts.ask_restore(*of, None, doer=first, now=NOW)
            return [("asked", desk.provider_id)]
        provider_acts.approve(*of, found.proposal.id, doer=second, now=NOW)
        return [("restored", desk.provider_id)]

    def _record(self, transaction: Transaction) -> Things:
        targets = [os.urandom(16).hex() for _ in range(_TOKENS)]
        acts = [Act(Event.TOKEN_ISSUED, audit.OPERATOR, self._desk.organization_id, one) for one in targets]
        audit.record_each(transaction, acts, NOW * 1_000_000)
        return [("token", one) for one in targets]
