"""Domains: what stands behind the @ of an organization's addresses, once the domain's DNS says that it is theirs.

Who answers for a domain says so with a text record that holds a challenge of this one organization. A domain is one
organization's at a time. What DNS is asked, and how, is not known here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, delete, select, update

from rxauth.crypto import secrets
from rxauth.domain import connections
from rxauth.domain.domain_names import domain_of, require_own
from rxauth.domain.errors import AbsentError, ExistsError, InvalidError, RefusedError
from rxauth.domain.pruning import BY_AGE
from rxauth.ids import Kind, new_id
from rxauth.storage.database import Transaction
from rxauth.storage.tables.federation import domains as table
from rxauth.storage.tenancy import insert_row, sql

DOMAINS_LIMIT: Final = 50  # of one organization
PREFIX: Final = "rxauth-verification="
HOST: Final = "_rxauth"
_INSERT = insert_row(table)
_MINE = table.c.organization_id == bindparam("organization_id")
_THE_ONE = (table.c.organization_id == bindparam("the_organization_id"), table.c.id == bindparam("the_id"))
_IS_VERIFIED = table.c.verified_at.is_not(None)
_ALL = sql(select(*table.c).where(_MINE).order_by(table.c.name))
_ONE = sql(select(*table.c).where(_MINE, table.c.id == bindparam("id")))
_NAMED = sql(select(*table.c).where(_MINE, table.c.name == bindparam("name")))
_VERIFIED = sql(
    select(*table.c).where(table.c.name == bindparam("name"), _IS_VERIFIED),
    across_tenants="an address is typed before its organization is known, and a domain is one organization's",
)
_HELD = sql(select(table.c.id).where(_MINE, table.c.name == bindparam("name"), _IS_VERIFIED).with_for_update(read=True))
_VERIFY = sql(update(table).where(*_THE_ONE).values(verified_at=bindparam("moment"), looked_at=bindparam("moment")))
_LEAD = sql(update(table).where(*_THE_ONE).values(connection_id=bindparam("led_to")))
_REMOVE = sql(delete(table).where(*_THE_ONE))
# What nobody verified for so long is forgotten: a record that was published for it and left there opens nothing.
KEPT_S: Final = 30 * 86_400
_FORGET = sql(
    delete(table).where(table.c.verified_at.is_(None), table.c.created_at <= bindparam("before")),
    across_tenants=BY_AGE,
)


class TakenError(RefusedError):
    """Another organization proved that the domain is its own."""

    def __init__(self, name: str) -> None:
        super().__init__("domain_taken", f"another organization has verified {name}: it has to remove it first")


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain of an organization. name: as DNS has it (RFC 5890 §2.3.2.1). challenge: what its DNS is to say.

    connection_id: where people with such an address sign in; None: in the usual way. created_at: of the challenge.
    verified_at None: the organization did not prove yet that it is its own. looked_at: when DNS was last asked.
    missing_since: since when a verified domain's DNS does not say it any more; None: it does. Times: UTC seconds.
    """

    id: str
    organization_id: str
    name: str
    challenge: str
    connection_id: str | None
    created_at: int
    verified_at: int | None
    looked_at: int | None
    missing_since: int | None = None

    @property
    def record(self) -> str:
        """What the text record says."""
        return f"{PREFIX}{self.challenge}"

    @property
    def hosts(self) -> tuple[str, str]:
        """Where the record may stand."""
        return f"{HOST}.{self.name}", self.name


def add(transaction: Transaction, organization_id: str, name: str, now: int) -> Domain:
    """Adds a domain, with the challenge that its DNS is to answer.

    Raises:
        InvalidError: no domain that an organization can have for itself, or too many of them.
        ExistsError: the organization has it already.
    """
    name = require_own(name)
    if len(all_of(transaction, organization_id)) >= DOMAINS_LIMIT:
        raise InvalidError(f"an organization has at most {DOMAINS_LIMIT} domains: remove one", "name")
    if transaction.first(_NAMED, organization_id=organization_id, name=name) is not None:
        raise ExistsError("the organization has this domain already", "name")
    domain = Domain(new_id(Kind.DOMAIN, now * 1000), organization_id, name, secrets.new_handle(), None, now, None, None)
    transaction.run(_INSERT, **{one: getattr(domain, one) for one in Domain.__slots__})
    return domain


def all_of(transaction: Transaction, organization_id: str) -> Sequence[Domain]:
    """Lists an organization's domains, by name."""
    return [_domain(row) for row in transaction.all(_ALL, organization_id=organization_id)]


def require(transaction: Transaction, organization_id: str, domain_id: str) -> Domain:
    """Returns a domain of the organization.

    Raises:
        AbsentError: it has no such domain.
    """
    row = transaction.first(_ONE, organization_id=organization_id, id=domain_id)
    if row is None:
        raise AbsentError("there is no such domain", "id")
    return _domain(row)


def is_verified(transaction: Transaction, organization_id: str, domain: str) -> bool:
    """Tells whether an organization proved that a domain is its own; those beneath it are others."""
    found = _find(transaction, domain_of(f"@{domain}"))
    return found is not None and found.organization_id == organization_id


def is_held(transaction: Transaction, organization_id: str, domain: str) -> bool:
    """Tells the same as `is_verified`, and it stays so until this transaction, which writes, ends."""
    name = domain_of(f"@{domain}")
    return name is not None and transaction.first(_HELD, organization_id=organization_id, name=name) is not None


def of_email(transaction: Transaction, email: str) -> Domain | None:
    """Returns the verified domain of an address, whoever's it is, or None."""
    return _find(transaction, domain_of(email))


def verify(transaction: Transaction, domain: Domain, now: int) -> None:
    """Notes that DNS answered the challenge.

    Raises:
        TakenError: another organization has the domain.
    """
    owner = _find(transaction, domain.name)
    if owner is not None and owner.organization_id != domain.organization_id:
        raise TakenError(domain.name)
    transaction.run(_VERIFY, **_which(domain), moment=now)


def lead_to(transaction: Transaction, domain: Domain, connection_id: str | None) -> None:
    """Sends people with an address in the domain to a connection from now on; None: to none.

    Raises:
        AbsentError: the organization has no such connection.
    """
    if connection_id is not None:
        connections.require(transaction, domain.organization_id, connection_id)
    transaction.run(_LEAD, **_which(domain), led_to=connection_id)


def remove(transaction: Transaction, domain: Domain) -> None:
    """Gives a domain up; whoever wants it back gets another challenge."""
    transaction.run(_REMOVE, **_which(domain))


def forget(transaction: Transaction, now: int) -> bool:
    """Removes the domains that nobody verified in time; there are no more after that."""
    transaction.run(_FORGET, before=now - KEPT_S)
    return False


def _find(transaction: Transaction, name: str | None) -> Domain | None:
    row = None if name is None else transaction.first(_VERIFIED, name=name)
    return None if row is None else _domain(row)


def _which(domain: Domain) -> dict[str, str]:
    return {"the_organization_id": domain.organization_id, "the_id": domain.id}


def _domain(row: Any) -> Domain:
    return Domain(**row._mapping)
