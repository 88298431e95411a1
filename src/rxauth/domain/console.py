"""The operator console: what it may see and do, and nothing else. Each function demands the proof of an operator.

The proof is of the same transaction, so it was judged there. What is done is recorded with who did it. now_us: UTC
microseconds.
"""

from rxauth.domain import (
    audit_tail,
    audit_verifications,
    health,
    key_removal,
    operator_acts,
    operators,
    organization_list,
    organizations,
    signing_keys,
)
from rxauth.domain.audit import Act, Actor, Event
from rxauth.domain.audit_tail import LastCheckpoint, Tail
from rxauth.domain.audit_verifications import Verification
from rxauth.domain.errors import AbsentError, DomainError, ExistsError
from rxauth.domain.health import Health
from rxauth.domain.key_removal import Holders, Removed
from rxauth.domain.mails import Outbox
from rxauth.domain.operator_acts import By, Removal, Rotated, Rotation
from rxauth.domain.operators import Listed
from rxauth.domain.organization_list import Line, Size
from rxauth.domain.organizations import Organization
from rxauth.domain.paging import Page
from rxauth.domain.sessions import Limits
from rxauth.domain.signing_keys import KeyDescription
from rxauth.policy.operators import Operator
from rxauth.storage.database import Transaction


class ProofError(Exception):
    """The console was asked for something with the proof of another transaction: a mistake of ours."""


class NotFreshError(DomainError):
    """The operator must prove two factors again before a dangerous act."""

    def __init__(self) -> None:
        super().__init__("confirm that it is you before you do this")


def overview(transaction: Transaction, operator: Operator, now: int) -> Health:
    """Looks how the installation is."""
    _require(transaction, operator)
    return health.look(transaction, now)


def find_organizations(transaction: Transaction, operator: Operator, words: str, page: Page) -> list[Line]:
    """Returns a page of the organizations that are searched for, newest first."""
    _require(transaction, operator)
    return organization_list.search(transaction, words, page)


def organization(
    transaction: Transaction, operator: Operator, organization_id: str, now: int
) -> tuple[Organization, Size]:
    """Returns one organization, and how big it is.

    Raises:
        AbsentError: there is none of this identifier.
    """
    _require(transaction, operator)
    found = organizations.find(transaction, organization_id)
    if found is None:
        raise AbsentError(f"there is no organization {organization_id}")
    return found, organization_list.size(transaction, organization_id, now)


def create_organization(
    transaction: Transaction, operator: Operator, name: str, administrator: str | None, *, outbox: Outbox, now_us: int
) -> Organization:
    """Makes an organization; see `operator_acts`."""
    return operator_acts.create_organization(
        transaction, _by(transaction, operator, now_us), name, administrator, outbox
    )


def invite_administrator(
    transaction: Transaction, operator: Operator, organization_id: str, email: str, *, outbox: Outbox, now_us: int
) -> None:
    """Invites the first administrator; whoever is one invites the others.

    Raises:
        ExistsError: the organization has an administrator. NotFreshError: see there.
        InvalidError, AbsentError: see `operator_acts`.
    """
    by = _by(transaction, operator, now_us, is_dangerous=True)
    if organization_list.size(transaction, organization_id, by.now).administrators:
        raise ExistsError("the organization has an administrator already, who invites whoever else it needs")
    operator_acts.invite_administrator(transaction, by, organization_id, email, outbox)


def disable_organization(transaction: Transaction, operator: Operator, organization_id: str, now_us: int) -> None:
    """Shuts an organization out.

    Raises:
        NotFreshError: see there. AbsentError: there is none that is not disabled.
    """
    by = _by(transaction, operator, now_us, is_dangerous=True)
    operator_acts.disable_organization(transaction, by, organization_id)


def enable_organization(transaction: Transaction, operator: Operator, organization_id: str, now_us: int) -> None:
    """Lets an organization in again.

    Raises:
        NotFreshError: see there. AbsentError: there is none that is disabled.
    """
    by = _by(transaction, operator, now_us, is_dangerous=True)
    operator_acts.enable_organization(transaction, by, organization_id)


def keys(transaction: Transaction, operator: Operator) -> list[KeyDescription]:
    """Lists the signing keys, without what signs."""
    _require(transaction, operator)
    return signing_keys.descriptions(transaction)


def rotate_keys(transaction: Transaction, operator: Operator, rotation: Rotation, now_us: int) -> list[Rotated]:
    """Lets the next keys sign.

    Raises:
        NotFreshError: see there. TooEarlyError: see `signing_keys`.
    """
    by = _by(transaction, operator, now_us, is_dangerous=True)
    return operator_acts.rotate_keys(transaction, by, rotation)


def removable_key(
    transaction: Transaction, operator: Operator, key_id: str, limits: Limits, now: int
) -> tuple[KeyDescription, Holders]:
    """Returns a signing key that can be removed, and who may hold tokens. limits: of sessions.

    Raises:
        AbsentError: see `key_removal.find`.
    """
    _require(transaction, operator)
    return key_removal.find(transaction, key_id, now), key_removal.holders(transaction, limits, now, health.COUNTED)


def remove_keys(transaction: Transaction, operator: Operator, removal: Removal, now_us: int) -> list[Removed]:
    """Takes signing keys out of use before their time, with all that they signed.

    Raises:
        NotFreshError: see there. AbsentError, StaleError: see `key_removal`.
    """
    by = _by(transaction, operator, now_us, is_dangerous=True)
    return operator_acts.remove_keys(transaction, by, removal)


def last_checkpoint(transaction: Transaction, operator: Operator) -> LastCheckpoint | None:
    """Returns the audit log's last checkpoint.

    Raises:
        BadCheckpointError: see `audit_tail`.
    """
    _require(transaction, operator)
    return audit_tail.last_checkpoint(transaction)


def last_verification(transaction: Transaction, operator: Operator) -> Verification | None:
    """Returns when the audit log was last verified, and how that ended."""
    _require(transaction, operator)
    return audit_verifications.last(transaction)


def check_log(transaction: Transaction, operator: Operator) -> Tail:
    """Checks the end of the audit log.

    Raises:
        NoAuditLogError: see there.
    """
    _require(transaction, operator)
    return audit_tail.check(transaction)


def record_check(transaction: Transaction, operator: Operator, tail: Tail, now_us: int) -> None:
    """Records that the end of the audit log was checked, and what came of it."""
    by = _by(transaction, operator, now_us)
    details: dict[str, str | int] = {
        "entries": tail.last - tail.first + 1,
        "from": tail.first,
        "covered": tail.covered,
        "problems": tail.problems,
    }
    reason = "problems_found" if tail.problems else None
    act = Act(Event.AUDIT_VERIFIED, by.actor, reason=reason, network=by.network, details=details)
    audit_verifications.record(transaction, act, now_us)


def all_operators(transaction: Transaction, operator: Operator) -> list[Listed]:
    """Lists the operators."""
    _require(transaction, operator)
    return operators.all_of_them(transaction)


def _require(transaction: Transaction, operator: Operator) -> None:
    if operator.transaction is not transaction:
        raise ProofError


def _by(transaction: Transaction, operator: Operator, now_us: int, *, is_dangerous: bool = False) -> By:
    """Returns who acts, as the audit log names them."""
    _require(transaction, operator)
    by = By(Actor("operator", operator.user_id), now_us, operator.network)
    if is_dangerous and not operator.is_fresh(by.now):
        raise NotFreshError
    return by
