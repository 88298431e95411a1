"""The sandbox's provider: its prescriber gets the authority by the acts that give it to anybody."""

import datetime
from typing import Final

from rxauth.domain import memberships, provider_acts, provider_facts, providers, users
from rxauth.domain.provider_facts import Facts, HeldLicence, Verification
from rxauth.domain.users import User
from rxauth.policy.authority import OPERATOR, PERMISSIONS, Act, Doer
from rxauth.storage.database import Transaction

PRESCRIBER: Final = "prescriber@sandbox.example"
ADMINISTRATOR: Final = "admin@sandbox.example"
NPI: Final = "1234567893"  # the example in the standard of its check digit
STATES: Final = ("CA", "IL", "NY", "TX")  # where the sample patients are
_VALID_DAYS: Final = 5 * 365


def lacks_authority(transaction: Transaction, organization_id: str) -> bool:
    """Tells whether the prescriber and the administrator work for an organization where nobody proposed anything."""
    both = _both(transaction, organization_id)
    return both is not None and providers.find(transaction, organization_id, both[0].id) is None


def authorize(transaction: Transaction, organization_id: str, now: int) -> None:
    """Has the operator propose the prescriber, and the administrator approve, if `lacks_authority`.

    That the administrator proved two factors is as made up as everybody in a sandbox: none of them has a second one.
    """
    both = _both(transaction, organization_id)
    if both is None or not lacks_authority(transaction, organization_id):
        return
    prescriber, second = both
    operator = Doer(None, is_operator=True)
    asked = provider_acts.propose(transaction, organization_id, prescriber.id, _facts(now), doer=operator, now=now)
    if asked.proposal is not None:
        doer = Doer(second.id, frozenset({PERMISSIONS[Act.APPROVE]}), now)
        provider_acts.approve(transaction, organization_id, prescriber.id, asked.proposal.id, doer=doer, now=now)


def _both(transaction: Transaction, organization_id: str) -> tuple[User, User] | None:
    prescriber, second = (_member(transaction, organization_id, email) for email in (PRESCRIBER, ADMINISTRATOR))
    return None if prescriber is None or second is None else (prescriber, second)


def _member(transaction: Transaction, organization_id: str, email: str) -> User | None:
    user = users.find_by_email(transaction, email)
    person = None if user is None else memberships.load_person(transaction, user.id)
    return user if person is not None and person.subject(organization_id) is not None else None


def _facts(now: int) -> Facts:
    """Returns made-up licences in every state where a sample patient is."""
    ends_on = datetime.datetime.fromtimestamp(now, datetime.UTC).date() + datetime.timedelta(days=_VALID_DAYS)
    evidence = Verification("sample data", None, now, OPERATOR)
    licences = [provider_facts.licence(state, f"SAMPLE-{state}", "active", ends_on) for state in STATES]
    return Facts(NPI, evidence, tuple(HeldLicence(one, evidence) for one in licences))
