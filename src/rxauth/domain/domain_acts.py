"""What administrators do to e-mail domains, with its record in the audit log."""

from rxauth.domain import domain_proofs, domains, forced_sign_on
from rxauth.domain.audit import Actor, Event
from rxauth.domain.domains import Domain
from rxauth.domain.sessions import Ended
from rxauth.storage.database import Transaction


def add(transaction: Transaction, organization_id: str, name: str, by: Actor, now_us: int) -> Domain:
    """Adds a domain; see `domains.add`."""
    domain = domains.add(transaction, organization_id, name, now_us // 1_000_000)
    domain_proofs.record(transaction, Event.DOMAIN_ADDED, domain, by, now_us)
    return domain


def lead_to(transaction: Transaction, domain: Domain, connection_id: str | None, by: Actor, now_us: int) -> Domain:
    """Sends the domain's people to a connection, or to none; see `domains.lead_to`."""
    domains.lead_to(transaction, domain, connection_id)
    domain_proofs.record(transaction, Event.DOMAIN_CHANGED, domain, by, now_us)
    return domains.require(transaction, domain.organization_id, domain.id)


def remove(transaction: Transaction, domain: Domain, by: Actor, now_us: int) -> list[Ended]:
    """Removes a domain; of one that counted, returns the sessions that ended with it."""
    if domain.verified_at is not None:
        forced_sign_on.require_without(transaction, domain.organization_id, domain_id=domain.id)
    domains.remove(transaction, domain)
    domain_proofs.record(transaction, Event.DOMAIN_REMOVED, domain, by, now_us)
    if domain.verified_at is None:
        return []
    return domain_proofs.end_sessions(transaction, domain.organization_id, now_us // 1_000_000)
