"""Sign-ins under way: what a browser was asked for, and what its person proved and chose so far."""

from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import bindparam, select, update

from rxauth.domain.pruning import Pruning
from rxauth.domain.sessions import Proof
from rxauth.ids import Kind, new_id
from rxauth.storage.database import Transaction
from rxauth.storage.tables.sign_in import sign_ins as table
from rxauth.storage.tenancy import insert_row, sql

LIFETIME_S: Final = 1_800
KEPT_S: Final = 86_400
_INSERT = insert_row(table)
_ONE = sql(select(*table.c).where(table.c.id == bindparam("sign_in_id")))
_OPEN = (table.c.id == bindparam("sign_in_id"), table.c.finished_at.is_(None))
_PROVE = sql(
    update(table)
    .where(*_OPEN)
    .values(
        user_id=bindparam("who"),
        methods=bindparam("how"),
        proven_at=bindparam("moment"),
        confined_to=bindparam("only_for"),
    )
)
_CHOOSE = sql(update(table).where(*_OPEN).values(organization_id=bindparam("chosen")))
_CONSENT = sql(update(table).where(*_OPEN).values(consented_at=bindparam("moment")))
_HOLD = sql(update(table).where(*_OPEN).values(sealed_upstream=bindparam("sealed")))
_FINISH = sql(update(table).where(*_OPEN).values(finished_at=bindparam("moment")))
FORGET: Final = Pruning(table, table.c.id, KEPT_S, kind=Kind.SIGN_IN)
_REBIND = sql(
    update(table)
    .where(table.c.browser_digest == bindparam("old"), table.c.finished_at.is_(None))
    .values(browser_digest=bindparam("new"))
)


@dataclass(frozen=True, slots=True)
class SignIn:
    """One sign-in under way in one browser. Times: UTC seconds.

    user_id: who proved a first factor and still owes the second; None before and after. proven_at: when the last proof
    came, None before the first. organization_id None: none was chosen. finished_at None: it is under way. confined_to:
    see `sessions.Proof`, of who owes a second factor. sealed_upstream: the identity that a provider vouched for, while
    more is needed; None: none.
    """

    id: str
    browser_digest: bytes = field(repr=False)
    request: str = field(repr=False)
    user_id: str | None
    methods: tuple[str, ...]
    proven_at: int | None
    organization_id: str | None
    consented_at: int | None
    created_at: int
    expires_at: int
    finished_at: int | None
    confined_to: str | None = None
    sealed_upstream: bytes | None = field(default=None, repr=False)

    def is_open(self, now: int) -> bool:
        """Tells whether it may go on."""
        return self.finished_at is None and now < self.expires_at

    @property
    def is_authenticated(self) -> bool:
        """Tells whether the person proved in this very sign-in who it is, with all that was asked for."""
        return self.proven_at is not None and self.user_id is None


def begin(transaction: Transaction, browser_digest: bytes, request: str, now: int) -> SignIn:
    """Begins a sign-in in the browser whose handle has this digest."""
    sign_in = SignIn(
        new_id(Kind.SIGN_IN, now * 1000),
        browser_digest,
        request,
        None,
        (),
        None,
        None,
        None,
        now,
        now + LIFETIME_S,
        None,
    )
    row = {name: getattr(sign_in, name) for name in SignIn.__dataclass_fields__}
    transaction.run(_INSERT, **{**row, "methods": ""})
    return sign_in


def find(transaction: Transaction, sign_in_id: str) -> SignIn | None:
    """Returns a sign-in, open or not, or None."""
    row = transaction.first(_ONE, sign_in_id=sign_in_id)
    return None if row is None else _sign_in(row)


def owe_second_factor(transaction: Transaction, sign_in_id: str, proof: Proof, now: int) -> None:
    """Notes a first proof, to which a second must be added before anybody is signed in."""
    how = " ".join(proof.methods)
    only_for = proof.confined_to
    transaction.run(_PROVE, sign_in_id=sign_in_id, who=proof.user_id, how=how, moment=now, only_for=only_for)


def note_authenticated(transaction: Transaction, sign_in_id: str, now: int) -> None:
    """Notes that the person proved all that was asked for: what the session says now counts."""
    transaction.run(_PROVE, sign_in_id=sign_in_id, who=None, how="", moment=now, only_for=None)


def hold(transaction: Transaction, sign_in_id: str, sealed: bytes) -> None:
    """Keeps the identity that a provider vouched for until the person has proved that it is theirs."""
    transaction.run(_HOLD, sign_in_id=sign_in_id, sealed=sealed)


def choose_organization(transaction: Transaction, sign_in_id: str, organization_id: str) -> None:
    """Notes the organization that the person chose."""
    transaction.run(_CHOOSE, sign_in_id=sign_in_id, chosen=organization_id)


def consent(transaction: Transaction, sign_in_id: str, now: int) -> None:
    """Notes that the person agreed to what this request asks for."""
    transaction.run(_CONSENT, sign_in_id=sign_in_id, moment=now)


def finish(transaction: Transaction, sign_in_id: str, now: int) -> bool:
    """Ends a sign-in, once; tells whether this call did."""
    return transaction.run(_FINISH, sign_in_id=sign_in_id, moment=now) > 0


def rebind(transaction: Transaction, old: bytes, new: bytes) -> None:
    """Hands every sign-in under way in a browser on to the browser's new handle."""
    transaction.run(_REBIND, old=old, new=new)


def _sign_in(row: Any) -> SignIn:
    return SignIn(**{**row._mapping, "methods": tuple(row.methods.split())})
