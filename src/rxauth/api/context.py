"""What a resolver may use, for one request."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from graphql import GraphQLResolveInfo

from rxauth.api.errors import StepUpError
from rxauth.clock import Clock
from rxauth.domain.connection_settings import SamlSettings
from rxauth.domain.domain_proofs import Look
from rxauth.domain.errors import InvalidError
from rxauth.domain.mails import Outbox
from rxauth.domain.sessions import LONGEST, Ended, Limits
from rxauth.domain.webhooks import Keeper
from rxauth.policy.assurance import Wanted
from rxauth.policy.subjects import Caller, UserSubject
from rxauth.storage.database import Database, Origin, Transaction

Result = TypeVar("Result")
Info = GraphQLResolveInfo["Context"]
# Loads what belongs to many keys at once: (transaction, organization, keys, further arguments) -> value by key.
Load = Callable[..., Mapping[Any, Any]]
# Reads what a SAML identity provider says of itself; raises InvalidError.
ReadMetadata = Callable[[str], SamlSettings]
Meet = Callable[["Context", Sequence[Any]], object]


@dataclass(frozen=True, slots=True)
class Terms:
    """What is said of tokens before any is issued, and by whom. issuer: this server's public URL.

    audience: this server's own API. Lifetimes: in seconds.
    """

    issuer: str
    audience: str
    machine_token_s: int
    person_token_s: int


@dataclass(slots=True)
class _Batch:
    """The keys that one kind of child is wanted for, and what was loaded."""

    wanted: set[Hashable] = field(default_factory=set)
    loaded: dict[Hashable, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Context:
    """One request: its caller, its database, and its children, fetched for all parents at once.

    transaction: the one view that a query reads, or the one transaction of a mutation that may be repeated; None in
    other mutations, whose fields each write on their own. keeper None: no webhook can be made or changed.
    patient_ids: whom the request showed or changed so far, for the access log. access_key: of the digests of patients
    there; None: no such log is read here. session_limits: where an organization sets no stricter ones. ended_sessions:
    those whose clients are to hear of it once the request is done. terms None: nothing is known of tokens. outbox
    None: no letter is written here. origin: what records say of the request; None: nothing.
    """

    caller: Caller
    clock: Clock
    database: Database
    transaction: Transaction | None = None
    keeper: Keeper | None = None
    access_key: bytes | None = field(default=None, repr=False)
    origin: Origin | None = None
    session_limits: Limits = LONGEST
    terms: Terms | None = None
    has_written: bool = False
    patient_ids: set[str] = field(default_factory=set)
    ended_sessions: list[Ended] = field(default_factory=list)
    outbox: Outbox | None = None
    metadata_reader: ReadMetadata | None = None
    text_records: Look | None = None
    _batches: dict[Hashable, _Batch] = field(default_factory=lambda: defaultdict(_Batch))
    _known: dict[type, set[str]] = field(default_factory=lambda: defaultdict(set))

    @property
    def organization_id(self) -> str:
        """The organization whose records the request may touch."""
        return self.caller.organization_id

    @property
    def user_id(self) -> str | None:
        """Who asks; None: a machine."""
        subject = self.caller.subject
        return subject.user_id if isinstance(subject, UserSubject) else None

    def require_authentication(self, wanted: Wanted) -> None:
        """Asks that the person proved lately, and surely enough, who it is.

        Raises:
            StepUpError: see there.
        """
        if not wanted.is_met(self.caller.authentication, self.clock.seconds()):
            raise StepUpError(wanted)

    def require_terms(self) -> Terms:
        """Returns what is said of tokens.

        Raises:
            InvalidError: nothing is known of them.
        """
        if self.terms is None:
            raise InvalidError("tokens are not issued here")
        return self.terms

    def read_metadata(self, text: str) -> SamlSettings:
        """Reads what a SAML identity provider says of itself.

        Raises:
            InvalidError: it says nothing of use, or none is understood here.
        """
        if self.metadata_reader is None:
            raise InvalidError("SAML is not understood here", "metadata")
        return self.metadata_reader(text)

    def within(self, transaction: Transaction) -> "Context":
        """Returns the same request, reading in one transaction."""
        return replace(self, transaction=transaction)

    def read(self, work: Callable[[Transaction], Result]) -> Result:
        """Reads: in the query's transaction, or in a short one of its own."""
        if self.transaction is not None:
            return work(self.transaction)
        return self.database.read(work, organization_id=self.caller.subject.organization_id)

    def write(self, work: Callable[[Transaction], Result]) -> Result:
        """Writes, and forgets what was loaded before."""
        if self.transaction is None:
            result = self.database.write(work, self.origin, organization_id=self.caller.subject.organization_id)
        else:
            result = self.transaction.attempt(work)
        self.has_written = True
        self._batches.clear()
        self._known.clear()
        return result

    def want(self, load: Load, keys: Iterable[Hashable | None], *arguments: Hashable) -> None:
        """Says for which keys children will be asked, so that the first `get` loads them all."""
        self._batches[load, arguments].wanted.update(key for key in keys if key is not None)

    def get(self, load: Load, key: Hashable, *arguments: Hashable, meet: "Meet | None" = None) -> Any:
        """Returns the child of one key, or None; loads it for every wanted key if it was not loaded yet.

        meet: is told of all that was loaded, so that grandchildren are fetched together too.
        """
        batch = self._batches[load, arguments]
        if key not in batch.loaded:
            keys = (batch.wanted | {key}) - batch.loaded.keys()
            found = self.read(lambda tx: load(tx, self.organization_id, list(keys), *arguments))
            batch.loaded.update(dict.fromkeys(keys))
            batch.loaded.update(found)
            batch.wanted.clear()
            if meet is not None:
                meet(self, [record for value in found.values() for record in _as_list(value)])
        return batch.loaded[key]

    def note(self, kind: type, identifiers: Iterable[str]) -> None:
        """Remembers which records of a kind the request has met."""
        self._known[kind].update(identifiers)

    def met(self, kind: type) -> set[str]:
        """Returns the identifiers of every record of a kind that the request has met."""
        return self._known[kind]


def _as_list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [value]
