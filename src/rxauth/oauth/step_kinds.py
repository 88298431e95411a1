"""What a sign-in can need next, each with what its page has to know."""

from dataclasses import dataclass

from rxauth.domain.memberships import Membership
from rxauth.oauth.errors import OAuthError
from rxauth.policy.assurance import FirstFactor


@dataclass(frozen=True, slots=True)
class LogIn:
    """Somebody must say and prove who it is.

    only: the way that the organization asks for; None: any. user_id: whose proof it takes; None: anybody's.
    organization_id: the one that asks for `only`; None: none does.
    """

    only: FirstFactor | None = None
    user_id: str | None = None
    organization_id: str | None = None


@dataclass(frozen=True, slots=True)
class GoUpstream:
    """A connection's identity provider must say who it is."""

    connection_id: str


@dataclass(frozen=True, slots=True)
class UseEmergencyAccess:
    """The person may go past the identity provider that all others must use, and must say that it wants to."""

    organization_id: str
    organization_name: str


@dataclass(frozen=True, slots=True)
class ProveSecondFactor:
    """The person must prove a second factor. user_id: whose."""

    user_id: str


@dataclass(frozen=True, slots=True)
class SetUpSecondFactor:
    """A second factor is asked for, and the person has none yet.

    passkey: nothing else will do. opens_nothing: what is set up must be no way in by itself: no passkey will do.
    """

    user_id: str
    passkey: bool = False
    opens_nothing: bool = False


@dataclass(frozen=True, slots=True)
class ChooseOrganization:
    """The person works for several organizations, and must say for which it acts."""

    among: tuple[Membership, ...]


@dataclass(frozen=True, slots=True)
class AskConsent:
    """The person must agree to what the client asks for."""

    organization_id: str | None


@dataclass(frozen=True, slots=True)
class Finish:
    """Everything is proven and chosen. organization_id None: the person has none."""

    organization_id: str | None


@dataclass(frozen=True, slots=True)
class Deny:
    """Nothing the person could do would help."""

    error: OAuthError


_Way = LogIn | GoUpstream | UseEmergencyAccess | ProveSecondFactor | SetUpSecondFactor
Step = _Way | ChooseOrganization | AskConsent | Finish | Deny
