"""How people of an organization sign in: what they prove, for how long, who is invited, and what they see then."""

import re
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import bindparam, distinct, func, select, update

from rxauth.domain import accents, forced_sign_on, logos, organizations
from rxauth.domain.errors import InvalidError
from rxauth.domain.organizations import Organization
from rxauth.domain.sessions import Limits
from rxauth.policy.assurance import FirstFactor
from rxauth.storage.database import Transaction
from rxauth.storage.tables.access import organizations as table
from rxauth.storage.tables.people import memberships, passkeys, totp_factors
from rxauth.storage.tenancy import sql

SHORTEST: Final = Limits(60, 300)
DOMAINS_LIMIT: Final = 50
# What changes of an organization here; of these, what every request of its people is judged by.
_JUDGED_BY: Final = ("second_factor_required", "sole_first_factor", "session_idle_s", "session_lifetime_s")
NAMES: Final = (*_JUDGED_BY, "email_domains", "accent_color", "logo")
_DOMAIN: Final = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
_CHANGE = sql(update(table).where(table.c.id == bindparam("the_id")).values({name: bindparam(name) for name in NAMES}))
_MEMBERS = distinct(memberships.c.user_id)
_HAS_PASSKEY = passkeys.c.user_id.is_not(None)
_HAS_TOTP = totp_factors.c.user_id.is_not(None)
# A person with several passkeys is several rows here.
_LACKING = sql(
    select(
        func.count(_MEMBERS).label("members"),
        func.count(_MEMBERS).filter(~_HAS_PASSKEY & ~_HAS_TOTP).label("second_factor"),
        func.count(_MEMBERS).filter(~_HAS_PASSKEY).label("passkey"),
    )
    .select_from(memberships)
    .outerjoin(passkeys, passkeys.c.user_id == memberships.c.user_id)
    .outerjoin(
        totp_factors,
        (totp_factors.c.user_id == memberships.c.user_id) & totp_factors.c.confirmed_at.is_not(None),
    )
    .where(memberships.c.organization_id == bindparam("organization_id"))
)


@dataclass(frozen=True, slots=True)
class Lacking:
    """How many members there are, and how many of them have no second factor, or no passkey, yet."""

    members: int
    second_factor: int
    passkey: int


@dataclass(frozen=True, slots=True)
class Changed:
    """An organization before and after a change of its settings."""

    before: Organization
    after: Organization

    @property
    def names(self) -> tuple[str, ...]:
        """Returns what is another than before."""
        return tuple(name for name in NAMES if getattr(self.before, name) != getattr(self.after, name))

    @property
    def is_of_single_sign_on(self) -> bool:
        """Tells whether single sign-on is asked of everybody, or no longer."""
        both = {self.before.sole_first_factor, self.after.sole_first_factor}
        return FirstFactor.CONNECTION in both and len(both) > 1

    @property
    def is_weaker(self) -> bool:
        """Tells whether anybody gets in, or stays in, who did not before."""
        before, after = self.before, self.after
        return (
            (before.second_factor_required and not after.second_factor_required)
            or before.sole_first_factor not in {None, after.sole_first_factor}
            or _is_longer(before.session_idle_s, after.session_idle_s)
            or _is_longer(before.session_lifetime_s, after.session_lifetime_s)
            or _is_wider(before.email_domains, after.email_domains)
        )


def change(
    transaction: Transaction,
    organization_id: str,
    longest: Limits,
    now: int,
    *,
    expected: str | None = None,
    **changes: Any,
) -> Changed:
    """Changes what is named of `NAMES`; None takes away what there was. A logo is a Picture.

    longest: how long sessions last where no organization says less. expected: the version that the changes are meant
    for; None: whichever there is.

    Raises:
        AbsentError: there is no such organization. InvalidError: a value that nobody can set.
        StaleError: there is another version by now.
    """
    before = organizations.lock(transaction, organization_id)
    organizations.require_version(version(before), expected)
    after = replace(before, **{name: _read(name, value) for name, value in changes.items()})
    _require_within(after, longest)
    changed = Changed(before, after)
    if after.sole_first_factor is FirstFactor.CONNECTION and "sole_first_factor" in changed.names:
        forced_sign_on.require_ready(transaction, organization_id)
    if changed.names:
        transaction.run(_CHANGE, the_id=organization_id, **organizations.stored(after, NAMES))
    if "logo" in changed.names:
        logos.put(transaction, organization_id, changes["logo"])
    if not set(_JUDGED_BY).isdisjoint(changed.names):
        organizations.tell_people(transaction, organization_id, now)
    return changed


def version(organization: Organization) -> str:
    """Returns what stands for the settings as they are now."""
    return organizations.digest(organization, NAMES)


def lacking(transaction: Transaction, organization_id: str) -> Lacking:
    """Counts who would have to set something up."""
    row = transaction.first(_LACKING, organization_id=organization_id)
    return Lacking(*row)


def _read(name: str, value: Any) -> Any:
    match name:
        case "second_factor_required":
            return bool(value)
        case "email_domains":
            return _domains(value or ())
        case "accent_color":
            return None if value is None else accents.read(value)
        case "logo":
            return None if value is None else logos.name_of(value)
        case _:
            return value


def _domains(given: Any) -> tuple[str, ...]:
    domains = sorted({one.strip().lower().removeprefix("@") for one in given})
    if len(domains) > DOMAINS_LIMIT:
        raise InvalidError(f"there are at most {DOMAINS_LIMIT} domains", "emailDomains")
    if not all(_DOMAIN.fullmatch(one) for one in domains):
        raise InvalidError("a domain is what stands behind the @ of addresses, such as example.com", "emailDomains")
    return tuple(domains)


def _require_within(organization: Organization, longest: Limits) -> None:
    asked = (
        ("sessionIdleSeconds", organization.session_idle_s, SHORTEST.idle_s, longest.idle_s),
        ("sessionLifetimeSeconds", organization.session_lifetime_s, SHORTEST.lifetime_s, longest.lifetime_s),
    )
    for field, value, least, most in asked:
        if value is not None and not least <= value <= most:
            raise InvalidError(f"write {least // 60} to {most // 60} minutes: this installation allows no more", field)


def _is_longer(before: int | None, after: int | None) -> bool:
    return before is not None and (after is None or after > before)


def _is_wider(before: tuple[str, ...], after: tuple[str, ...]) -> bool:
    return bool(before) and (not after or not {*after} <= {*before})
