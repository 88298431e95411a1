"""Organizations: the tenants, each with one machine client."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

import msgspec
from sqlalchemy import bindparam, select, update

from rxauth.domain import catalogs, changes, clients, providers, token_families
from rxauth.domain.errors import AbsentError, InvalidError, StaleError
from rxauth.domain.names import Address, read_address, require_address, require_text, stored_address
from rxauth.ids import Kind, new_id
from rxauth.policy.assurance import FirstFactor
from rxauth.policy.identifiers import npi_problem
from rxauth.policy.licences import STATES
from rxauth.storage.database import Transaction
from rxauth.storage.tables.access import clients as clients_table
from rxauth.storage.tables.access import organizations
from rxauth.storage.tables.people import memberships
from rxauth.storage.tenancy import insert_row, sql

NAME_LIMIT_CHARACTERS = 200
SIGNING_AGE_LIMIT_S = 86_400
CONTACT = ("name", "npi", "email", "phone", "fax", "address")
_INSERT = insert_row(organizations)
_COLUMNS = tuple(organizations.c)
_ALL = sql(select(*_COLUMNS).order_by(organizations.c.id))
_ONE = sql(select(*_COLUMNS).where(organizations.c.id == bindparam("id")))
_DISABLE = sql(
    update(organizations)
    .where(organizations.c.id == bindparam("the_id"), organizations.c.disabled_at.is_(None))
    .values(disabled_at=bindparam("now"))
)
_ENABLE = sql(
    update(organizations)
    .where(organizations.c.id == bindparam("the_id"), organizations.c.disabled_at.is_not(None))
    .values(disabled_at=None)
)
_LIMIT = sql(
    update(organizations)
    .where(organizations.c.id == bindparam("the_id"))
    .values(session_idle_s=bindparam("idle"), session_lifetime_s=bindparam("lifetime"))
)
_REQUIRE = sql(
    update(organizations)
    .where(organizations.c.id == bindparam("the_id"))
    .values(second_factor_required=bindparam("required"))
)
_PROVIDER_RULES = sql(
    update(organizations)
    .where(organizations.c.id == bindparam("the_id"))
    .values(solo_authority=bindparam("solo"), home_state=bindparam("state"), signing_max_age_s=bindparam("max_age"))
)
_CHANGE = sql(
    update(organizations)
    .where(organizations.c.id == bindparam("the_id"))
    .values({name: bindparam(name, type_=organizations.c[name].type) for name in CONTACT})
)
_LOCKED = sql(select(*_COLUMNS).where(organizations.c.id == bindparam("id")).with_for_update())
_OF_PERSON = sql(
    select(*_COLUMNS)
    .join(memberships, memberships.c.organization_id == organizations.c.id)
    .where(memberships.c.user_id == bindparam("user_id"), organizations.c.disabled_at.is_(None))
    .order_by(organizations.c.name, organizations.c.id),
    across_tenants="a person sees every organization that they work for, before one is chosen",
)
_ITS_PEOPLE = sql(select(memberships.c.user_id).where(memberships.c.organization_id == bindparam("organization_id")))
_ITS_CLIENTS = sql(select(clients_table.c.id).where(clients_table.c.organization_id == bindparam("organization_id")))


@dataclass(frozen=True, slots=True)
class Organization:
    """A tenant. created_at, disabled_at: UTC seconds; disabled_at None: it is not.

    session_idle_s, session_lifetime_s: how long its people's sessions last, None: as everywhere. solo_authority:
    providers may be the second person for their own authority. home_state: where patients are whose state nobody
    knows; None: nobody says. signing_max_age_s: how long ago whoever signs may have proven two factors; None: not asked
    for. npi: of type 2. phone, fax: E.164. None: nobody said it. sole_first_factor: the only way to begin a sign-in;
    None: any will do. email_domains: where invites may go; empty: anywhere. accent_color: as #rrggbb. logo: the
    picture's name.
    """

    id: str
    name: str
    created_at: int
    disabled_at: int | None = None
    session_idle_s: int | None = None
    session_lifetime_s: int | None = None
    second_factor_required: bool = False
    sole_first_factor: FirstFactor | None = None
    email_domains: tuple[str, ...] = ()
    accent_color: str | None = None
    logo: str | None = None
    solo_authority: bool = False
    home_state: str | None = None
    signing_max_age_s: int | None = None
    npi: str | None = None
    email: str | None = None
    phone: str | None = None
    fax: str | None = None
    address: Address | None = field(default=None, repr=False)


def create(transaction: Transaction, name: str, now: int) -> Organization:
    """Adds an organization, with its catalog.

    Raises:
        InvalidError: the name is empty or too long.
    """
    organization = Organization(new_id(Kind.ORGANIZATION, now * 1000), _name(name), now)
    transaction.run(_INSERT, **stored(organization, Organization.__slots__))
    catalogs.create(transaction, organization.id, name, now)
    return organization


def all_of_them(transaction: Transaction) -> list[Organization]:
    """Lists every organization, oldest first."""
    return [_organization(row) for row in transaction.all(_ALL)]


def of_person(transaction: Transaction, user_id: str) -> list[Organization]:
    """Lists the organizations that a person works for, by name; those that are disabled are not among them."""
    return [_organization(row) for row in transaction.all(_OF_PERSON, user_id=user_id)]


def find(transaction: Transaction, organization_id: str) -> Organization | None:
    """Returns an organization, or None."""
    row = transaction.first(_ONE, id=organization_id)
    return None if row is None else _organization(row)


def lock(transaction: Transaction, organization_id: str) -> Organization:
    """Returns an organization, which nobody else changes before this transaction ends.

    Raises:
        AbsentError: there is no such organization.
    """
    row = transaction.first(_LOCKED, id=organization_id)
    if row is None:
        raise AbsentError(f"there is no organization {organization_id}")
    return _organization(row)


def change(
    transaction: Transaction, organization_id: str, *, expected: str | None = None, **changes: Any
) -> tuple[Organization, tuple[str, ...]]:
    """Changes what is named of `CONTACT`; None takes away what there was. Returns what is another than before, too.

    expected: the version that the changes are meant for; None: whichever there is.

    Raises:
        AbsentError: there is no such organization. InvalidError: a value that no organization has.
        StaleError: there is another version by now.
    """
    before = lock(transaction, organization_id)
    require_version(version(before), expected)
    after = replace(before, **changes)
    after = replace(after, name=_name(after.name))
    if after.npi is not None and (problem := npi_problem(after.npi)) is not None:
        raise InvalidError(problem, "NPI")
    require_text(after.email, "email")
    require_address(after.address, "address")
    changed = tuple(name for name in CONTACT if getattr(before, name) != getattr(after, name))
    if changed:
        transaction.run(_CHANGE, the_id=organization_id, **stored(after, CONTACT))
    return after, changed


def version(organization: Organization) -> str:
    """Returns what stands for the name and contact data as they are now."""
    return digest(organization, CONTACT)


def digest(organization: Organization, names: Iterable[str]) -> str:
    """Returns what stands for some values of an organization: another text as soon as one of them is another."""
    encoded = msgspec.json.encode(stored(organization, names), order="sorted")
    return base64.urlsafe_b64encode(sha256(encoded).digest()[:12]).decode()


def require_version(now_there: str, expected: str | None) -> None:
    """Refuses a change that was made from what is not there any longer.

    Raises:
        StaleError: see there.
    """
    if expected is not None and expected != now_there:
        raise StaleError("somebody changed this meanwhile: look at it again, and repeat what is still to be changed")


def stored(organization: Organization, names: Iterable[str]) -> dict[str, Any]:
    """Returns some values of an organization as their columns take them."""
    values = {name: getattr(organization, name) for name in names}
    if "address" in values:
        values["address"] = stored_address(organization.address)
    if "email_domains" in values:
        values["email_domains"] = " ".join(organization.email_domains) or None
    return values


def limit_sessions(
    transaction: Transaction, organization_id: str, now: int, *, idle_s: int | None, lifetime_s: int | None
) -> None:
    """Sets how long sessions of the organization's people last; None: as everywhere.

    Raises:
        AbsentError: there is no such organization.
    """
    if transaction.run(_LIMIT, the_id=organization_id, idle=idle_s, lifetime=lifetime_s) == 0:
        raise AbsentError(f"there is no organization {organization_id}")
    tell_people(transaction, organization_id, now)


def require_second_factor(transaction: Transaction, organization_id: str, now: int, *, required: bool) -> None:
    """Sets whether the organization's people must prove a second factor.

    Raises:
        AbsentError: there is no such organization.
    """
    if transaction.run(_REQUIRE, the_id=organization_id, required=required) == 0:
        raise AbsentError(f"there is no organization {organization_id}")
    tell_people(transaction, organization_id, now)


def set_provider_rules(
    transaction: Transaction,
    organization_id: str,
    now: int,
    *,
    solo: bool,
    home_state: str | None,
    signing_max_age_s: int | None,
) -> None:
    """Sets what holds for the organization's providers; see `Organization`.

    Raises:
        InvalidError: no such state, or no such age. AbsentError: there is no such organization.
    """
    if home_state is not None and home_state not in STATES:
        raise InvalidError("a state is two capital letters, such as NY", "homeState")
    if signing_max_age_s is not None and not 0 < signing_max_age_s <= SIGNING_AGE_LIMIT_S:
        problem = f"whoever signs proved who they are 1 to {SIGNING_AGE_LIMIT_S} seconds ago"
        raise InvalidError(problem, "signingMaxAgeSeconds")
    values = {"solo": solo, "state": home_state, "max_age": signing_max_age_s}
    if transaction.run(_PROVIDER_RULES, the_id=organization_id, **values) == 0:
        raise AbsentError(f"there is no organization {organization_id}")
    tell_people(transaction, organization_id, now)


def disable(transaction: Transaction, organization_id: str, now: int) -> None:
    """Shuts an organization out: its clients get no tokens, nobody acts for it, and the tokens there are are refused.

    Raises:
        AbsentError: there is no such organization, or it is disabled already.
    """
    providers.lock_organization(transaction, organization_id)
    if transaction.run(_DISABLE, the_id=organization_id, now=now) == 0:
        raise AbsentError(f"there is no organization {organization_id} that is not disabled")
    tell_people(transaction, organization_id, now)
    for client in transaction.all(_ITS_CLIENTS, organization_id=organization_id):
        changes.record(transaction, changes.ChangeKind.CLIENT, client.id, now)


def enable(transaction: Transaction, organization_id: str, now: int) -> None:
    """Lets an organization in again that was disabled; the tokens from before stay refused, and secrets work on.

    Raises:
        AbsentError: there is no such organization, or it is not disabled.
    """
    if transaction.run(_ENABLE, the_id=organization_id) == 0:
        raise AbsentError(f"there is no organization {organization_id} that is disabled")
    tell_people(transaction, organization_id, now)
    for client in transaction.all(_ITS_CLIENTS, organization_id=organization_id):
        clients.revoke_tokens(transaction, client.id, now)
    token_families.revoke_of_organization(transaction, organization_id, now)


def tell_people(transaction: Transaction, organization_id: str, now: int) -> None:
    """Has what is remembered of the organization's people forgotten."""
    members = [one.user_id for one in transaction.all(_ITS_PEOPLE, organization_id=organization_id)]
    changes.record_all(transaction, changes.ChangeKind.PERSON, members, now)


def _name(name: str | None) -> str:
    name = (name or "").strip()
    if not 0 < len(name) <= NAME_LIMIT_CHARACTERS:
        raise InvalidError(f"an organization's name has 1 to {NAME_LIMIT_CHARACTERS} characters", "name")
    return name


def _organization(row: Any) -> Organization:
    sole = None if row.sole_first_factor is None else FirstFactor(row.sole_first_factor)
    domains = tuple((row.email_domains or "").split())
    read = {"address": read_address(row.address), "sole_first_factor": sole, "email_domains": domains}
    return Organization(**{**row._mapping, **read})
