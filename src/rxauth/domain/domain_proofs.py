"""Proofs of domains: what DNS says of a challenge, asked once by hand, and then once a day for as long as it counts.

A record that is gone gives an organization a week, with a letter to its administrators at either end of it. DNS that
does not answer changes nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select, update

from rxauth.crypto import secrets
from rxauth.domain import administrators, audit, domains, letters, organizations, upstream_sessions
from rxauth.domain.audit import Act, Actor, Event
from rxauth.domain.domains import PREFIX, Domain
from rxauth.domain.errors import RefusedError
from rxauth.domain.mails import Outbox
from rxauth.domain.sessions import Ended
from rxauth.storage.database import Transaction
from rxauth.storage.tables.federation import domains as table
from rxauth.storage.tenancy import sql

LOOK_EVERY_S: Final = 86_400
MISSING_FOR_S: Final = 7 * 86_400
SETTINGS_PATH: Final = "/settings/domains"
_THE_ONE = (
    table.c.organization_id == bindparam("the_organization_id"),
    table.c.id == bindparam("the_id"),
    table.c.verified_at.is_not(None),
)
_EVERYBODYS: Final = "one server looks after the domains of every organization"
_NEXT = sql(
    select(*table.c)
    .where(table.c.verified_at.is_not(None), table.c.looked_at <= bindparam("before"))
    .order_by(table.c.looked_at, table.c.id)
    .limit(1)
    .with_for_update(skip_locked=True),
    across_tenants=_EVERYBODYS,
)
_IS_DUE = sql(
    select(table.c.id).where(table.c.verified_at.is_not(None), table.c.looked_at <= bindparam("before")).limit(1),
    across_tenants=_EVERYBODYS,
)
_LOOKED = sql(update(table).where(*_THE_ONE).values(looked_at=bindparam("moment")))
_MISSING = sql(update(table).where(*_THE_ONE).values(missing_since=bindparam("since")))
_LOSE = sql(
    update(table)
    .where(*_THE_ONE)
    .values(verified_at=None, missing_since=None, challenge=bindparam("new_challenge"), created_at=bindparam("moment"))
)


@dataclass(frozen=True, slots=True)
class Records:
    """The text records of a domain. is_whole: nobody who should have answered did not."""

    texts: tuple[str, ...]
    is_whole: bool

    def has(self, domain: Domain) -> bool:
        """Tells whether the domain's challenge is answered."""
        return any(text.strip() == domain.record for text in self.texts)


# Returns the text records of some names together; blocks its thread for some seconds at most.
Look = Callable[[Sequence[str]], Records]


class UnprovenError(RefusedError):
    """DNS does not say what it is to say."""


def prove(transaction: Transaction, domain: Domain, records: Records, by: Actor, now_us: int) -> Domain:
    """Verifies a domain whose records answer the challenge.

    Raises:
        UnprovenError: they do not, or DNS did not answer. TakenError: another organization has the domain.
    """
    if not records.has(domain):
        raise _unproven(domain, records)
    if domain.verified_at is None:
        domains.verify(transaction, domain, now_us // 1_000_000)
        record(transaction, Event.DOMAIN_VERIFIED, domain, by, now_us)
    return domains.require(transaction, domain.organization_id, domain.id)


def is_due(transaction: Transaction, now: int) -> bool:
    """Tells whether a domain is to be looked at; for a look that writes nothing."""
    return transaction.first(_IS_DUE, before=now - LOOK_EVERY_S) is not None


def claim(transaction: Transaction, now: int) -> Domain | None:
    """Takes the verified domain that nobody has looked at for longest, for this process alone; None: none is due."""
    row = transaction.first(_NEXT, before=now - LOOK_EVERY_S)
    if row is None:
        return None
    domain = Domain(**row._mapping)
    transaction.run(_LOOKED, **_which(domain), moment=now)
    return domain


def settle(transaction: Transaction, domain: Domain, records: Records, outbox: Outbox, now_us: int) -> list[Ended]:
    """Notes what DNS says of a verified domain today; returns the sessions that ended because it says nothing for long.

    DNS that did not answer is no answer: only records that are known not to be there count against a domain.
    """
    now = now_us // 1_000_000
    if records.has(domain):
        if domain.missing_since is not None:
            transaction.run(_MISSING, **_which(domain), since=None)
        return []
    if not records.is_whole:
        return []
    if domain.missing_since is None:
        if transaction.run(_MISSING, **_which(domain), since=now):
            _write(transaction, domain, outbox, now, is_lost=False)
        return []
    if now - domain.missing_since < MISSING_FOR_S:
        return []
    # Another challenge: who puts the old record back proves nothing by it.
    if not transaction.run(_LOSE, **_which(domain), new_challenge=secrets.new_handle(), moment=now):
        return []
    record(transaction, Event.DOMAIN_LOST, domain, audit.SCHEDULE, now_us)
    _write(transaction, domain, outbox, now, is_lost=True)
    return end_sessions(transaction, domain.organization_id, now)


def end_sessions(transaction: Transaction, organization_id: str, now: int) -> list[Ended]:
    """Ends sessions that came of a provider of the organization, because a domain is its own no longer.

    Those of people with an address here in a domain that is verified still go on: they would be let in again. Which
    address a provider vouched for is not kept, so whoever has another one here proves it anew, as far as it can.
    """
    held = {one.name for one in domains.all_of(transaction, organization_id) if one.verified_at is not None}
    return upstream_sessions.end_outside(transaction, organization_id, held, now)


def record(transaction: Transaction, event: Event, domain: Domain, by: Actor, now_us: int) -> None:
    """Records what was done to a domain."""
    act = Act(event, by, domain.organization_id, domain.id, details={"domain": domain.name})
    audit.record(transaction, act, now_us)


def _write(transaction: Transaction, domain: Domain, outbox: Outbox, now: int, *, is_lost: bool) -> None:
    organization = organizations.find(transaction, domain.organization_id)
    name = "" if organization is None else organization.name
    link = outbox.url(SETTINGS_PATH)
    letter = letters.domain_lost if is_lost else letters.domain_missing
    administrators.tell(
        transaction, outbox, domain.organization_id, lambda to: letter(to, name, domain.name, domain.record, link), now
    )


def _unproven(domain: Domain, records: Records) -> UnprovenError:
    if not records.is_whole:
        return UnprovenError(
            "dns_silent", f"the name servers of {domain.name} did not answer, or not in time: try again in a minute"
        )
    others = [text for text in records.texts if text.strip().startswith(PREFIX)]
    found = (
        "there is one, and it says something else: it is of another organization, or of before"
        if others
        else ("new records are often seen only after some minutes, and sometimes after an hour")
    )
    first, second = domain.hosts
    return UnprovenError("dns_record_absent", f"there is no such text record at {first} or {second} yet: {found}")


def _which(domain: Domain) -> dict[str, str]:
    return {"the_organization_id": domain.organization_id, "the_id": domain.id}
