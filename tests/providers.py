"""Providers for tests: members with roles, facts with evidence, and authorities as two people give them."""

import datetime
from collections.abc import Iterable

from rxauth.domain import changes, memberships, provider_acts, provider_store, providers
from rxauth.domain.provider_facts import Facts, HeldLicence, Verification
from rxauth.domain.providers import Provider
from rxauth.domain.users import User
from rxauth.policy.authority import PERMISSIONS, Doer, State
from rxauth.policy.licences import Licence, LicenceStatus
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from tests.people import add_person
from tests.world import NOW

NPI = "1234567893"  # the example in the standard of its check digit
OPERATOR = Doer(None, is_operator=True)
EVIDENCE = Verification("a board's website", "page 1", NOW - 60, "somebody")


def add_member(transaction: Transaction, organization_id: str, email: str, *roles: Role) -> User:
    """Adds somebody without a password who works for an organization."""
    user = add_person(transaction, email, None)
    memberships.add(transaction, organization_id, user.id, roles, NOW)
    return user


def as_doer(user: User, at: int = NOW) -> Doer:
    """Returns a person who just proved two factors; what their roles do not hold is left out when they act."""
    return Doer(user.id, frozenset(PERMISSIONS.values()), at)


def licence(state: str = "NY", number: str = "123456", days: int = 365, status: str = "active") -> HeldLicence:
    """Returns a licence that ends so many days from now, with evidence."""
    day = datetime.datetime.fromtimestamp(NOW, datetime.UTC).date() + datetime.timedelta(days=days)
    return HeldLicence(Licence(state, number, LicenceStatus(status), day), EVIDENCE)


def facts(licences: Iterable[HeldLicence] | None = None, npi: str = NPI, until: int | None = None) -> Facts:
    """Returns facts that can be approved: an NPI and licences with evidence."""
    return Facts(npi, EVIDENCE, tuple(licences) if licences is not None else (licence(),), (), until)


def give(
    transaction: Transaction, organization_id: str, user_id: str, second: User, given: Facts | None = None
) -> Provider:
    """Has the operator propose somebody, and a second person approve."""
    asked = provider_acts.propose(transaction, organization_id, user_id, given or facts(), doer=OPERATOR, now=NOW)
    assert asked.proposal is not None
    proposal_id = asked.proposal.id
    return provider_acts.approve(transaction, organization_id, user_id, proposal_id, doer=as_doer(second), now=NOW)


def authorize(transaction: Transaction, organization_id: str, user_id: str, *licences: Licence) -> Provider:
    """Stores an authority as it is once two people gave it; the tests of giving it are elsewhere."""
    held = [HeldLicence(one, EVIDENCE) for one in licences]
    given = Provider(
        organization_id,
        user_id,
        State.APPROVED,
        facts(held or None),
        effective_from=NOW,
        proposed_by="operator",
        approved_by="usr_second",
        approved_at=NOW,
        changed_at=NOW,
    )
    before = providers.lock(transaction, organization_id, user_id)
    provider_store.store(transaction, given, is_new=before is None)
    changes.record(transaction, changes.ChangeKind.PERSON, user_id, NOW)
    return given
