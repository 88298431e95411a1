"""Accounts that SCIM made: it names them, until the person sets them up or works for others too."""

from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import bindparam, literal_column, select, union_all

from rxauth.domain import audit, domains, members, scim_users, users
from rxauth.domain.audit import Actor, Event
from rxauth.domain.domain_names import domain_of
from rxauth.domain.mails import Outbox
from rxauth.domain.names import TEXT_LIMIT_CHARACTERS, Name
from rxauth.domain.scim_users import ScimUser
from rxauth.domain.users import User
from rxauth.storage.database import Transaction
from rxauth.storage.tables.operators import operators
from rxauth.storage.tables.people import passkeys, passwords, totp_factors
from rxauth.storage.tenancy import sql

_UNKNOWN: Final = "Unknown"
_OWN: Final = sql(
    union_all(
        *(
            select(literal_column("1")).where(one.c.user_id == bindparam("user_id"))
            for one in (passwords, passkeys, totp_factors, operators)
        )
    )
)


@dataclass(frozen=True, slots=True)
class Telling:
    """How letters go out, and what records say of who acts; now: UTC seconds."""

    outbox: Outbox = field(repr=False)
    actor: Actor
    now: int

    def record(
        self, transaction: Transaction, event: Event, user: ScimUser, target: str, details: dict[str, str | int]
    ) -> None:
        """Records what follows from what was said of a user."""
        act = audit.Act(event, self.actor, user.organization_id, target, details={**details, "scim_user_id": user.id})
        audit.record(transaction, act, self.now * 1_000_000)


def follow(transaction: Transaction, user: ScimUser, telling: Telling) -> None:
    """Gives an account that is the organization's own the name and the address that SCIM says."""
    person = users.find(transaction, user.user_id or "") if user.made_account else None
    if person is None or not is_ours(transaction, user.organization_id, person):
        return
    name, address = name_of(user.resource), scim_users.address_of(user.resource)
    if name != person.name and name.first != _UNKNOWN:
        users.change_profile(transaction, person.id, telling.now, name=name)
        telling.record(transaction, Event.PROFILE_CHANGED, user, person.id, {"name": 1})
    if address is None or users.email_key(address) == users.email_key(person.email):
        return
    domain = domain_of(address)
    is_free = users.find_by_email(transaction, address) is None
    if is_free and domain is not None and domains.is_held(transaction, user.organization_id, domain):
        users.change_email(transaction, person.id, address, telling.now)
        telling.record(transaction, Event.EMAIL_CHANGED, user, person.id, {})


def is_ours(transaction: Transaction, organization_id: str, person: User) -> bool:
    """Tells whether an account is nobody's but the organization's: in its domain, never set up, and for no other."""
    domain = domain_of(person.email)
    return (
        domain is not None
        and domains.is_held(transaction, organization_id, domain)
        and transaction.first(_OWN, user_id=person.id) is None
        and not members.elsewhere(transaction, organization_id, [person.id])
    )


def name_of(resource: Any) -> Name:
    """Returns the name of an account that is made for a user, from whatever was said."""
    said = resource.get("name", {})
    shown = _plain(resource.get("displayName") or said.get("formatted") or "").split()
    first = _plain(said.get("givenName")) or (shown[0] if shown else "") or _plain(resource.get("nickName"))
    last = _plain(said.get("familyName")) or " ".join(shown[1:])
    title, middle = _plain(said.get("honorificPrefix")), _plain(said.get("middleName"))
    return Name(first or _UNKNOWN, last or _UNKNOWN, title or None, middle or None)


def _plain(text: str | None) -> str:
    kept = "".join(one if one.isprintable() else " " for one in text or "")
    return " ".join(kept.split())[:TEXT_LIMIT_CHARACTERS].strip()
