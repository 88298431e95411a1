"""How an authority is written: its row, and the facts that it rests on."""

from typing import Any, Final

from sqlalchemy import bindparam, delete, update

from rxauth.domain import provider_json
from rxauth.domain.provider_facts import HeldLicence, Registration, Verification
from rxauth.domain.providers import Provider
from rxauth.storage.database import Transaction
from rxauth.storage.tables.providers import provider_authorities as table
from rxauth.storage.tables.providers import provider_licences, provider_registrations
from rxauth.storage.tenancy import insert_row, sql

_EVIDENCE: Final = ("source", "reference", "checked_at", "checked_by")
_INSERT = insert_row(table)
_UPDATE = sql(
    update(table)
    .where(table.c.organization_id == bindparam("the_organization_id"), table.c.user_id == bindparam("the_user_id"))
    .values({one.name: bindparam(one.name) for one in table.c if one.name not in {"organization_id", "user_id"}})
)
_INSERT_LICENCE = insert_row(provider_licences)
_INSERT_REGISTRATION = insert_row(provider_registrations)
_DELETE_LICENCES, _DELETE_REGISTRATIONS = (
    sql(delete(one).where(one.c.organization_id == bindparam("organization_id"), one.c.user_id == bindparam("user_id")))
    for one in (provider_licences, provider_registrations)
)


def store(transaction: Transaction, provider: Provider, *, is_new: bool = False) -> None:
    """Writes an authority whose row this transaction locked, or a new one.

    Raises:
        ConflictError: it is new, and somebody proposed one at the same moment.
    """
    keys = {"organization_id": provider.organization_id, "user_id": provider.user_id}
    if is_new:
        transaction.run(_INSERT, **keys, **_values(provider))
    else:
        transaction.run(_UPDATE, **{f"the_{name}": value for name, value in keys.items()}, **_values(provider))
    transaction.run(_DELETE_LICENCES, **keys)
    transaction.run(_DELETE_REGISTRATIONS, **keys)
    if provider.facts is not None:
        transaction.run_many(_INSERT_LICENCE, [keys | _licence(one) for one in provider.facts.licences])
        registrations = [keys | _registration(one) for one in provider.facts.registrations]
        transaction.run_many(_INSERT_REGISTRATION, registrations)


def _values(provider: Provider) -> dict[str, Any]:
    facts, proposal = provider.facts, provider.proposal
    return {
        "state": provider.state,
        "npi": None if facts is None else facts.npi,
        "npi_verification": None if facts is None else provider_json.verification_to_json(facts.npi_verification),
        "effective_from": provider.effective_from,
        "effective_until": None if facts is None else facts.effective_until,
        "reason": provider.reason,
        "proposed_by": provider.proposed_by,
        "approved_by": provider.approved_by,
        "approved_at": provider.approved_at,
        "proposal_id": None if proposal is None else proposal.id,
        "asked_act": None if proposal is None else proposal.act,
        "asked_by": None if proposal is None else proposal.asked_by,
        "asked_at": None if proposal is None else proposal.asked_at,
        "proposal": None if proposal is None else provider_json.to_json(proposal.facts),
        "changed_at": provider.changed_at,
    }


def _licence(held: HeldLicence) -> dict[str, Any]:
    one = held.licence
    values = {"state": one.state, "number": one.number, "status": one.status, "expires_on": one.expires_on.isoformat()}
    return values | _evidence(held.verification)


def _registration(one: Registration) -> dict[str, Any]:
    values = {"number": one.number, "state": one.state, "schedules": " ".join(one.schedules), "status": one.status}
    return values | {"expires_on": one.expires_on.isoformat()} | _evidence(one.verification)


def _evidence(one: Verification | None) -> dict[str, Any]:
    return dict(provider_json.verification_to_json(one) or dict.fromkeys(_EVIDENCE))
