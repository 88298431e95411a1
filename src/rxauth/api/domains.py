"""The resolvers of e-mail domains: which the organization says are its own, and where their people sign in."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from rxauth.api.context import Context, Info
from rxauth.api.management.callers import TWO_FACTORS, actor
from rxauth.api.management.shown import moment
from rxauth.api.schema import Resolver
from rxauth.domain import domain_acts, domain_names, domain_proofs, domains
from rxauth.domain.domain_proofs import Records
from rxauth.domain.domains import Domain
from rxauth.domain.errors import AbsentError, InvalidError
from rxauth.domain.sessions import Ended
from rxauth.storage.database import Transaction


def search(_root: None, info: Info) -> Sequence[Domain]:
    """Query.domains."""
    context = info.context
    return context.read(lambda tx: domains.all_of(tx, context.organization_id))


def one(_root: None, info: Info, id: str) -> Domain | None:  # noqa: A002  # the contract's name
    """Query.domain."""
    try:
        return _require(info.context, id)
    except AbsentError:
        return None


def add(_root: None, info: Info, name: str) -> Domain:
    """Mutation.addDomain."""
    context = info.context
    by, now_us = actor(context.caller), context.clock.microseconds()
    return context.write(lambda tx: domain_acts.add(tx, context.organization_id, name, by, now_us))


def verify(_root: None, info: Info, id: str) -> Domain:  # noqa: A002  # the contract's name
    """Mutation.verifyDomain: DNS is asked before anything is written."""
    context = info.context
    if context.transaction is not None:
        raise InvalidError("verifyDomain takes no Idempotency-Key: it does nothing more when it is repeated")
    records = _records(context, _require(context, id))
    by, now_us = actor(context.caller), context.clock.microseconds()

    def work(transaction: Transaction) -> Domain:
        domain = domains.require(transaction, context.organization_id, id)
        return domain_proofs.prove(transaction, domain, records, by, now_us)

    return context.write(work)


def set_connection(
    _root: None,
    info: Info,
    id: str,  # noqa: A002  # the contract's name
    connection_id: str | None = None,
) -> Domain:
    """Mutation.setDomainConnection."""
    context = info.context
    context.require_authentication(TWO_FACTORS)
    by, now_us = actor(context.caller), context.clock.microseconds()

    def work(transaction: Transaction) -> Domain:
        domain = domains.require(transaction, context.organization_id, id)
        return domain_acts.lead_to(transaction, domain, connection_id, by, now_us)

    return context.write(work)


def remove(_root: None, info: Info, id: str) -> bool:  # noqa: A002  # the contract's name
    """Mutation.removeDomain."""
    context = info.context
    context.require_authentication(TWO_FACTORS)
    by, now_us = actor(context.caller), context.clock.microseconds()

    def work(transaction: Transaction) -> Sequence[Ended]:
        domain = domains.require(transaction, context.organization_id, id)
        return domain_acts.remove(transaction, domain, by, now_us)

    context.ended_sessions.extend(context.write(work))
    return True


def state(domain: Domain, _info: Info) -> str:
    """Domain.state."""
    if domain.verified_at is None:
        return "PENDING"
    return "VERIFIED" if domain.missing_since is None else "MISSING"


def display_name(domain: Domain, _info: Info) -> str:
    """Domain.displayName."""
    return domain_names.in_words(domain.name)


def record_names(domain: Domain, _info: Info) -> Sequence[str]:
    """Domain.recordNames."""
    return domain.hosts


def record_value(domain: Domain, _info: Info) -> str:
    """Domain.recordValue."""
    return domain.record


def _require(context: Context, domain_id: str) -> Domain:
    return context.read(lambda tx: domains.require(tx, context.organization_id, domain_id))


def _records(context: Context, domain: Domain) -> Records:
    if context.text_records is None:
        raise InvalidError("DNS is not asked here")
    return context.text_records(domain.hosts)


RESOLVERS: Final[Mapping[str, Mapping[str, Resolver]]] = MappingProxyType(
    {
        "Query": {"domains": search, "domain": one},
        "Mutation": {
            "addDomain": add,
            "verifyDomain": verify,
            "setDomainConnection": set_connection,
            "removeDomain": remove,
        },
        "Domain": {
            "displayName": display_name,
            "state": state,
            "recordNames": record_names,
            "recordValue": record_value,
            "createdAt": moment("created_at"),
            "verifiedAt": moment("verified_at"),
            "lookedAt": moment("looked_at"),
            "missingSince": moment("missing_since"),
        },
    }
)
