"""Who is judged: a person or a machine, never something between; and what a judgement leaves in the caller's hands."""

from dataclasses import dataclass, field
from typing import Final

from rxauth.policy.assurance import Authentication
from rxauth.policy.authority import State
from rxauth.policy.licences import Licence
from rxauth.policy.roles import Role

# As a set: every request asks, and a member of an enumeration takes four times as long to look up.
_PRESCRIBER: Final = frozenset({Role.PRESCRIBER})
_GIVES_ROLE: Final = frozenset({State.APPROVED, State.SUSPENDED})


@dataclass(frozen=True, slots=True)
class ProviderAuthority:
    """The approval of a person as a provider in one organization, and the facts that it rests on.

    state: as somebody last decided; dates are judged at every use. effective_from, effective_until: UTC seconds;
    effective_until None means no end was set. reason: the code with which it was suspended, if any.
    """

    state: State
    effective_from: int
    effective_until: int | None
    licences: tuple[Licence, ...]
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class UserSubject:
    """A person acting in one organization. authority None: nobody approved this person as a provider there.

    organization_id None: none was chosen yet, so there are no roles either. roles: as they were given.
    """

    user_id: str
    organization_id: str | None
    roles: frozenset[Role]
    authority: ProviderAuthority | None

    @property
    def effective_roles(self) -> frozenset[Role]:
        """The roles that give something: Prescriber waits for an approved authority, and again for one after revoked.

        A suspended provider goes on seeing what a prescriber sees; who may write prescriptions is judged by itself.
        """
        if not self.roles >= _PRESCRIBER or (self.authority is not None and self.authority.state in _GIVES_ROLE):
            return self.roles
        return self.roles - _PRESCRIBER


@dataclass(frozen=True, slots=True)
class MachineSubject:
    """An organization's backend. It has permissions of its own; it has no role and no authority to ask for."""

    client_id: str
    organization_id: str
    permissions: frozenset[str]


Subject = UserSubject | MachineSubject


class NoOrganizationError(Exception):
    """Records were asked for on behalf of a person who did not choose an organization."""


class NotAPersonError(Exception):
    """A machine asked for what only a person has."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes one request, and what this request may use: the token's permissions, less what no longer holds.

    authentication: None for a machine, which has nobody to ask. session_id, family_id: what a person's token rests on.
    """

    subject: Subject
    permissions: frozenset[str]
    client_id: str
    token_id: str
    authentication: Authentication | None = None
    session_id: str | None = None
    family_id: str | None = None

    @property
    def organization_id(self) -> str:
        """The organization whose records the request may touch.

        Raises:
            NoOrganizationError: none was chosen.
        """
        if self.subject.organization_id is None:
            raise NoOrganizationError
        return self.subject.organization_id


@dataclass(frozen=True, slots=True)
class Wish:
    """A prescription that somebody wants to write, as far as it decides who may.

    state: the two letters of the state that the patient is in; None: nobody knows it. schedule: the treatment's DEA
    schedule; None: it has none.
    """

    patient_id: str
    treatment_id: str
    state: str | None
    schedule: str | None


@dataclass(frozen=True, slots=True)
class Prescriber:
    """The proof that a person may prescribe one treatment for one patient, in one transaction; see `as_prescriber`.

    transaction: the very one in which the person's authority was read and locked. state: the patient's.
    """

    transaction: object = field(repr=False, compare=False)
    organization_id: str
    user_id: str
    patient_id: str
    treatment_id: str
    state: str
