"""Authorization codes: one authorization by a person, waiting to be fetched by its client, once (RFC 6749 §4.1.2)."""

from dataclasses import asdict, dataclass, field
from typing import Any, Final

from sqlalchemy import bindparam, select, update

from rxauth.crypto import secrets
from rxauth.domain.errors import InvalidError
from rxauth.domain.pruning import Pruning
from rxauth.ids import Kind, new_id
from rxauth.storage.database import Transaction
from rxauth.storage.tables.sign_in import authorization_codes as table
from rxauth.storage.tenancy import insert_row, sql

LIFETIME_S: Final = 60
# As long as its family: a code that is used again ends that.
KEPT_S: Final = 35 * 86_400
_COLUMNS = tuple(column for column in table.c if column.name != "digest")
_INSERT = insert_row(table)
_SPEND = sql(
    update(table)
    .where(table.c.digest == bindparam("presented"), table.c.used_at.is_(None))
    .values(used_at=bindparam("moment"))
    .returning(*_COLUMNS)
)
_ONE = sql(select(*_COLUMNS).where(table.c.digest == bindparam("presented")))
_SAME_CHALLENGE = sql(select(table.c.created_at).where(table.c.code_challenge == bindparam("challenge")).limit(1))
FORGET: Final = Pruning(table, table.c.created_at, KEPT_S)


@dataclass(frozen=True, slots=True)
class Authorized:
    """What a person authorized a client to do.

    organization_id None: none was chosen. audience None: for /userinfo only. scope: what was asked for and agreed to;
    policy decides what comes of it. nonce None: the client sent none.
    """

    client_id: str
    user_id: str
    session_id: str
    organization_id: str | None
    redirect_uri: str = field(repr=False)
    code_challenge: str = field(repr=False)
    audience: str | None
    scope: str
    nonce: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Code:
    """A code that was presented. family_id: the tokens that its first use began."""

    authorized: Authorized
    created_at: int
    family_id: str
    is_first_use: bool

    def is_expired(self, now: int) -> bool:
        """Tells whether the code was presented too late."""
        return now >= self.created_at + LIFETIME_S


def issue(transaction: Transaction, authorized: Authorized, now: int) -> str:
    """Makes a code and returns it; only its digest is kept.

    Raises:
        InvalidError: the challenge was used before, so its verifier may be known (RFC 9700 §2.1.1).
    """
    if transaction.first(_SAME_CHALLENGE, challenge=authorized.code_challenge) is not None:
        raise InvalidError("code_challenge was used before: make a new one for every request")
    code = secrets.new_handle()
    transaction.run(
        _INSERT,
        digest=secrets.digest(code),
        **asdict(authorized),
        created_at=now,
        used_at=None,
        family_id=new_id(Kind.FAMILY, now * 1000),
    )
    return code


def spend(transaction: Transaction, presented: str, now: int) -> Code | None:
    """Uses a code up, whatever comes of it; None: there is no such code.

    A second use is told from the first by `is_first_use`, and must end the family that the first began.
    """
    row = transaction.first(_SPEND, presented=secrets.digest(presented), moment=now)
    if row is not None:
        return _code(row, is_first_use=True)
    row = transaction.first(_ONE, presented=secrets.digest(presented))
    return None if row is None else _code(row, is_first_use=False)


def _code(row: Any, *, is_first_use: bool) -> Code:
    authorized = Authorized(**{name: getattr(row, name) for name in Authorized.__dataclass_fields__})
    return Code(authorized, row.created_at, row.family_id, is_first_use)
