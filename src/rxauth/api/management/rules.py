"""What an organization rules for its providers."""

from rxauth.api.context import Info
from rxauth.api.management.callers import TWO_FACTORS, actor
from rxauth.domain import audit, organizations
from rxauth.domain.audit import Event
from rxauth.domain.errors import AbsentError
from rxauth.domain.organizations import Organization
from rxauth.storage.database import Transaction


def rules(_root: None, info: Info) -> Organization:
    """Query.providerRules."""
    context = info.context
    return context.read(lambda tx: _organization(tx, context.organization_id))


def set_rules(
    _root: None,
    info: Info,
    solo: bool,
    home_state: str | None = None,
    signing_max_age_seconds: int | None = None,
) -> Organization:
    """Mutation.setProviderRules: all of them at once; whoever sets them proved two factors lately.

    Raises:
        StepUpError: see there. InvalidError: there is no such state, or nobody signs so late.
    """
    context = info.context
    context.require_authentication(TWO_FACTORS)
    details: dict[str, str | int] = {"solo": int(solo)}
    if home_state is not None:
        details["home_state"] = home_state
    if signing_max_age_seconds is not None:
        details["signing_max_age_s"] = signing_max_age_seconds

    def work(transaction: Transaction) -> Organization:
        organizations.set_provider_rules(
            transaction,
            context.organization_id,
            context.clock.seconds(),
            solo=solo,
            home_state=home_state,
            signing_max_age_s=signing_max_age_seconds,
        )
        organization_id = context.organization_id
        act = audit.Act(
            Event.PROVIDER_RULES_SET, actor(context.caller), organization_id, organization_id, details=details
        )
        audit.record(transaction, act, context.clock.microseconds())
        return _organization(transaction, context.organization_id)

    return context.write(work)


def _organization(transaction: Transaction, organization_id: str) -> Organization:
    found = organizations.find(transaction, organization_id)
    if found is None:
        raise AbsentError("there is no such organization")
    return found
