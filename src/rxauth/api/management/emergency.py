"""Emergency access, and what single sign-on for everybody still lacks: read, and changed."""

from collections.abc import Sequence

from rxauth.api.context import Info
from rxauth.api.management.callers import TWO_FACTORS, actor
from rxauth.domain import emergency_access, forced_sign_on, organizations
from rxauth.domain.emergency_access import Standing
from rxauth.domain.organizations import Organization
from rxauth.storage.database import Transaction


def people(source: Organization, info: Info) -> Sequence[Standing]:
    """OrganizationSettings.emergencyAccess."""
    return info.context.read(lambda tx: emergency_access.of_administrators(tx, source.id))


def lacks(source: Organization, info: Info) -> Sequence[str]:
    """OrganizationSettings.singleSignOnLacks."""
    return [str(one) for one in info.context.read(lambda tx: forced_sign_on.lacking(tx, source.id))]


def give(_root: None, info: Info, user_ids: Sequence[str]) -> Organization:
    """Mutation.setEmergencyAccess."""
    context = info.context
    context.require_authentication(TWO_FACTORS)
    by, now_us = actor(context.caller), context.clock.microseconds()

    def work(transaction: Transaction) -> Organization:
        organization = organizations.lock(transaction, context.organization_id)
        emergency_access.name(transaction, organization.id, user_ids, by, now_us)
        forced_sign_on.require_somebody(transaction, organization)
        return organization

    return context.write(work)
