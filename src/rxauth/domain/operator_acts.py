"""What the operator does to organizations and keys, each act with its audit record: at the command line or the console.

Nothing here asks whether they may: the command line has the settings, and `console` asks.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from rxauth.crypto.jws import Signatory
from rxauth.domain import audit, invites, key_removal, operators, organizations, signing_keys
from rxauth.domain.audit import Act, Actor, Event
from rxauth.domain.key_removal import Removed
from rxauth.domain.mails import Outbox
from rxauth.domain.names import Name
from rxauth.domain.organizations import Organization
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class By:
    """Who acts, when (UTC microseconds), and from where; None: at the command line."""

    actor: Actor
    now_us: int
    network: str | None = None

    @property
    def now(self) -> int:
        """UTC seconds."""
        return self.now_us // 1_000_000

    def record(self, transaction: Transaction, event: Event, owner: str | None, target: str, **details: str) -> None:
        """Records what was done. owner: the organization, None if it concerns the installation."""
        act = Act(event, self.actor, owner, target, network=self.network, details=details)
        audit.record(transaction, act, self.now_us)


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation of the signing keys needs. made: a new key for each algorithm; the rest: see `signing_keys`."""

    made: Sequence[Signatory] = field(repr=False)
    sealing_key: bytes = field(repr=False)
    published_for_s: int
    verify_for_s: int


@dataclass(frozen=True, slots=True)
class Removal:
    """What a removal of signing keys needs. made: as many new keys as are wanted; the rest: see `key_removal`."""

    key_ids: Sequence[str]
    made: Sequence[Signatory] = field(repr=False)
    sealing_key: bytes = field(repr=False)
    published_for_s: int


@dataclass(frozen=True, slots=True)
class Rotated:
    """Of one algorithm: which key signs now, which did before, and which is published to be the next."""

    current: str
    previous: str
    coming: str


def create_organization(
    transaction: Transaction, by: By, name: str, administrator: str | None, outbox: Outbox
) -> Organization:
    """Makes an organization and, if an address is given, invites its administrator.

    Raises:
        InvalidError: no such name or address.
    """
    made = organizations.create(transaction, name, by.now)
    by.record(transaction, Event.ORGANIZATION_CREATED, made.id, made.id)
    if administrator is not None:
        invite_administrator(transaction, by, made.id, administrator, outbox)
    return made


def invite_administrator(transaction: Transaction, by: By, organization_id: str, email: str, outbox: Outbox) -> None:
    """Invites somebody to manage an organization.

    Raises:
        InvalidError, AbsentError, ExistsError: see `invites.create`.
    """
    asked = invites.Asked(email, frozenset({Role.ADMINISTRATOR}))
    invite = invites.create(transaction, organization_id, asked, outbox, by.now)
    by.record(transaction, Event.PERSON_INVITED, organization_id, invite.id)


def disable_organization(transaction: Transaction, by: By, organization_id: str) -> None:
    """Shuts an organization out.

    Raises:
        AbsentError: there is none, or none that is not disabled.
    """
    organizations.disable(transaction, organization_id, by.now)
    by.record(transaction, Event.ORGANIZATION_DISABLED, organization_id, organization_id)


def enable_organization(transaction: Transaction, by: By, organization_id: str) -> None:
    """Lets an organization in again.

    Raises:
        AbsentError: there is none, or none that is disabled.
    """
    organizations.enable(transaction, organization_id, by.now)
    by.record(transaction, Event.ORGANIZATION_ENABLED, organization_id, organization_id)


def rotate_keys(transaction: Transaction, by: By, rotation: Rotation) -> list[Rotated]:
    """Lets the next key of each algorithm sign.

    Raises:
        TooEarlyError, CannotUnsealError: see `signing_keys.rotate`.
    """
    rotated = []
    for one in rotation.made:
        current, previous = signing_keys.rotate(
            transaction,
            one,
            rotation.sealing_key,
            by.now,
            published_for_s=rotation.published_for_s,
            verify_for_s=rotation.verify_for_s,
        )
        by.record(transaction, Event.KEYS_ROTATED, None, current, previous=previous)
        rotated.append(Rotated(current, previous, one.key_id))
    return rotated


def remove_keys(transaction: Transaction, by: By, removal: Removal) -> list[Removed]:
    """Takes signing keys out of use before their time, with all that they signed.

    Raises:
        AbsentError, StaleError, CannotUnsealError: see `key_removal.remove`.
    """
    removed = key_removal.remove(
        transaction,
        removal.key_ids,
        removal.made,
        removal.sealing_key,
        by.now,
        published_for_s=removal.published_for_s,
    )
    for one in removed:
        by.record(transaction, Event.KEY_REMOVED, None, one.id, was=one.state, signing=one.signing)
    return removed


def add_operator(transaction: Transaction, by: By, email: str, name: Name | None, outbox: Outbox) -> str:
    """Makes somebody an operator, somebody new if there is a name; only the command line does.

    Raises:
        AbsentError, ExistsError, InvalidError: see `operators`.
    """
    user_id = (
        operators.add(transaction, email, outbox, by.now)
        if name is None
        else operators.add_new(transaction, email, name, outbox, by.now)
    )
    by.record(transaction, Event.OPERATOR_ADDED, None, user_id)
    return user_id


def remove_operator(transaction: Transaction, by: By, email: str) -> str:
    """Ends somebody's being an operator; only the command line does.

    Raises:
        AbsentError: see `operators`.
    """
    user_id = operators.remove(transaction, email)
    by.record(transaction, Event.OPERATOR_REMOVED, None, user_id)
    return user_id
