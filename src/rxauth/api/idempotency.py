"""The Idempotency-Key of a mutation: a repeat gets the answer of the first, and nothing is done twice.

What the mutation does and the answer that is kept commit together, so that there is no moment at which one is there
without the other (draft-ietf-httpapi-idempotency-key-header).
"""

import hashlib
import hmac
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import msgspec

from rxauth.api import outcomes
from rxauth.api.accesses import Operation, Touched
from rxauth.api.errors import Code
from rxauth.api.outcomes import Failure, Outcome
from rxauth.api.requests import GraphQLRequest
from rxauth.clock import Clock
from rxauth.crypto import sealing
from rxauth.domain import kept_answers
from rxauth.domain.kept_answers import Kept, Scope
from rxauth.policy import decide
from rxauth.policy.subjects import Caller, MachineSubject
from rxauth.storage.database import Database, Origin, Transaction

LIMIT_CHARACTERS: Final = 255
_BARE: Final = re.compile(r"[!#-\[\]-~]+")
_QUOTED: Final = re.compile(r'"((?:[!#-\[\]-~]|\\["\\])+)"')  # RFC 8941 §3.3.3, without spaces
_PURPOSE: Final = "idempotency keys"
_ENCODE: Final = msgspec.json.Encoder(order="sorted").encode


class MalformedKeyError(Exception):
    """The header has no key that could be one; str() says why."""


class _Answer(msgspec.Struct, frozen=True):
    """An answer as it is sealed. granted: the guards that let the caller pass, each with its permissions."""

    body: bytes
    failure: str | None
    granted: list[tuple[str, ...]]
    outcome: str | None
    codes: list[str]
    patient_ids: list[str]


_read_answer: Final = msgspec.json.Decoder(_Answer).decode


def read_key(headers: Sequence[str]) -> str:
    """Returns the key, which a client may send in quotes or bare.

    Raises:
        MalformedKeyError: see there.
    """
    if len(headers) != 1:
        raise MalformedKeyError("There is more than one Idempotency-Key.")
    text = headers[0].strip()
    quoted = _QUOTED.fullmatch(text)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else text
    if not (quoted or _BARE.fullmatch(text)) or len(key) > LIMIT_CHARACTERS:
        raise MalformedKeyError("An Idempotency-Key has 1 to 255 visible ASCII characters, and may stand in quotes.")
    return key


class Repeats:
    """Runs what carries a key once; what is under way in this process is known without asking the database."""

    def __init__(self, database: Database, clock: Clock, sealing_key: bytes) -> None:
        self._database = database
        self._clock = clock
        self._sealing_key = sealing_key
        self._digest_key = sealing.derive(sealing_key, _PURPOSE)
        self._running: set[bytes] = set()
        self._noting = threading.Lock()

    def run(
        self,
        caller: Caller,
        key: str,
        request: GraphQLRequest,
        operation: Operation,
        execute: Callable[[Transaction], tuple[Outcome, bool]],
        *,
        origin: Origin | None = None,
    ) -> Outcome:
        """Returns what `execute` returns, or what it once returned for the same key. origin: of the request.

        execute: works in the transaction that it is given, and tells whether it did anything.
        """
        scope = self._scope(caller, key)
        asked = self._digest(request.query, request.operation_name or "", request.variables or {})

        def once(transaction: Transaction) -> Outcome:
            now = self._clock.seconds()
            if not kept_answers.is_our_turn(transaction, scope):
                return _IN_USE
            kept = kept_answers.find(transaction, scope, now)
            if kept is not None:
                is_same = hmac.compare_digest(kept.request, asked)
                return self._again(caller, scope, kept, operation, now) if is_same else _REUSED
            outcome, has_effect = execute(transaction)
            if has_effect:
                sealed = self._sealed(caller, scope, outcome, operation, now)
                kept_answers.keep(transaction, scope, Kept(asked, sealed), now)
            return outcome

        with self._alone(scope) as is_alone:
            if not is_alone:
                return _IN_USE
            return self._database.write(once, origin, organization_id=scope.organization_id)

    @contextmanager
    def _alone(self, scope: Scope) -> Iterator[bool]:
        """Tells whether nothing else of this scope is under way in this process, and keeps it so."""
        with self._noting:
            is_alone = scope.digest not in self._running
            self._running.add(scope.digest)
        try:
            yield is_alone
        finally:
            if is_alone:
                with self._noting:
                    self._running.discard(scope.digest)

    def _scope(self, caller: Caller, key: str) -> Scope:
        subject = caller.subject
        who = "" if isinstance(subject, MachineSubject) else subject.user_id
        organization_id = caller.organization_id
        return Scope(organization_id, self._digest(organization_id, caller.client_id, who, key))

    def _digest(self, *parts: Any) -> bytes:
        return hmac.digest(self._digest_key, _ENCODE(parts), hashlib.sha256)

    def _sealed(self, caller: Caller, scope: Scope, outcome: Outcome, operation: Operation, now: int) -> bytes:
        touched = outcome.touched
        answer = _Answer(
            b"" if operation.shows_secret else outcome.body,
            None if outcome.failure is None else outcome.failure.name,
            [one for one in operation.guards if decide.require(caller, one, now) is None],
            None if touched is None else touched.outcome,
            [] if touched is None else list(touched.codes),
            [] if touched is None else list(touched.patient_ids),
        )
        return sealing.seal(msgspec.json.encode(answer), self._sealing_key, _purpose(scope))

    def _again(self, caller: Caller, scope: Scope, kept: Kept, operation: Operation, now: int) -> Outcome:
        """Returns the answer that is kept, unless it had a secret, or the caller lost a permission that it took."""
        answer = _read_answer(sealing.unseal(kept.sealed_answer, self._sealing_key, _purpose(scope)))
        for permissions in answer.granted:
            insufficient = decide.require(caller, permissions, now)
            if insufficient is not None:
                return outcomes.forbidden(insufficient, operation)
        if operation.shows_secret:
            return _SHOWN_ONCE
        touched = None
        if answer.outcome is not None:
            touched = Touched(operation, answer.outcome, tuple(answer.codes), frozenset(answer.patient_ids))
        failure = None if answer.failure is None else Failure[answer.failure]
        return Outcome(answer.body, failure, touched=touched, kind=operation.kind.value)


def _purpose(scope: Scope) -> str:
    return f"{_PURPOSE} {scope.organization_id} {scope.digest.hex()}"


_IN_USE: Final = outcomes.refused(
    Failure.KEY_IN_USE,
    Code.IDEMPOTENCY_KEY_IN_USE,
    "The first request with this Idempotency-Key is under way. Send this one again in a moment.",
)
_REUSED: Final = outcomes.refused(
    Failure.KEY_REUSED,
    Code.IDEMPOTENCY_KEY_REUSED,
    "This Idempotency-Key was used for another request. A new request takes a new key.",
)
_SHOWN_ONCE: Final = outcomes.refused(
    None,
    Code.CONFLICT,
    "This was done already. Its answer had a secret, which is shown once and not kept.",
    "answer_not_kept",
)
