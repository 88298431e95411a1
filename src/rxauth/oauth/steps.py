"""What a sign-in needs next. Nobody says so but this function, from what is kept here: no page can be skipped."""

from dataclasses import dataclass
from typing import Final

from rxauth.domain.clients import Client
from rxauth.domain.factors import FRESH_S, PASSKEY_KIND
from rxauth.domain.memberships import Membership, Person
from rxauth.domain.sessions import Limits, Session
from rxauth.oauth.authorization_request import AuthorizationRequest
from rxauth.oauth.errors import (
    AccessDeniedError,
    ConsentRequiredError,
    InteractionRequiredError,
    LoginRequiredError,
    OAuthError,
)
from rxauth.oauth.page_request import PageRequest
from rxauth.oauth.step_kinds import (
    AskConsent,
    ChooseOrganization,
    Deny,
    Finish,
    GoUpstream,
    LogIn,
    ProveSecondFactor,
    SetUpSecondFactor,
    Step,
    UseEmergencyAccess,
)
from rxauth.policy.assurance import AAL2, FirstFactor, acr_of, first_factors_of


@dataclass(frozen=True, slots=True)
class Progress:
    """What was proven and chosen in this very sign-in. owes_second_factor: who proved a first factor only.

    links: who must prove itself here, because an identity provider vouches for somebody with the same address.
    """

    owes_second_factor: str | None = None
    is_authenticated: bool = False
    organization_id: str | None = None
    has_consented: bool = False
    links: str | None = None


NOTHING_YET: Final = Progress()
_OWN: Final = frozenset({FirstFactor.PASSWORD, FirstFactor.PASSKEY})


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known of the browser and its person. session None: nobody is signed in, or not any longer.

    person: the session's, in those organizations that the session opens. second_factors: which kinds that person could
    prove. consented: what it agreed to before, if the client is one that must be agreed to. came_by: the connection
    that the session came of; None: of none. is_claimed: of such a session, whether its person has something of its own
    to sign in with, or works elsewhere too.
    """

    session: Session | None
    person: Person | None
    second_factors: frozenset[str]
    consented: frozenset[str]
    limits: Limits
    came_by: str | None = None
    is_claimed: bool = False


def next_step(request: AuthorizationRequest, client: Client, progress: Progress, found: Situation, now: int) -> Step:
    """Decides what a sign-in needs next; now: UTC seconds."""
    if progress.owes_second_factor is not None:
        return ProveSecondFactor(progress.owes_second_factor)
    if progress.links is not None:
        return LogIn(user_id=progress.links)
    log_in = LogIn() if request.connection_id is None else GoUpstream(request.connection_id)
    session, person = found.session, found.person
    if session is None or person is None or person.disabled:
        return log_in
    is_other = request.connection_id not in {None, found.came_by}
    if not progress.is_authenticated and (is_other or _is_too_old(request, session, now)):
        return log_in
    if request.hinted_user_id not in {None, session.user_id}:
        is_vain = progress.is_authenticated and isinstance(log_in, GoUpstream)  # the provider would say the same again
        return Deny(LoginRequiredError("Somebody else is signed in at the identity provider.")) if is_vain else log_in
    chosen = _organization(request, client, progress, session, person)
    if isinstance(chosen, (ChooseOrganization, Deny)):
        return chosen
    return (
        _session(progress, session, chosen, found, now)
        or _second_factor(request.acr, session, chosen, found)
        or _consent(request, client, progress, chosen, found)
    )


def next_step_of_page(request: PageRequest, progress: Progress, found: Situation, now: int) -> Step:
    """Decides what a page of our own needs next: who is there, and proven recently enough."""
    if progress.owes_second_factor is not None:
        return ProveSecondFactor(progress.owes_second_factor)
    if progress.links is not None:
        return LogIn(user_id=progress.links)
    session, person = found.session, found.person
    if session is None or person is None or person.disabled or (request.own and session.confined_to is not None):
        return LogIn()
    is_old = request.max_age_s is not None and now - session.authenticated_at > request.max_age_s
    if is_old and not progress.is_authenticated:
        return LogIn() if found.came_by is None else GoUpstream(found.came_by)
    chosen = _organization_of_page(request, progress, session, person)
    if isinstance(chosen, ChooseOrganization):
        return chosen
    is_weak = request.max_age_s is not None and found.second_factors
    return (
        _session(progress, session, chosen, found, now)
        or _second_factor(AAL2 if is_weak else request.acr, session, chosen, found)
        or Finish(None if chosen is None else chosen.organization_id)
    )


def as_error(step: Step) -> OAuthError | None:
    """Returns what a step is to a client that asked that nobody be bothered; None: the step needs nobody."""
    match step:
        case Finish():
            return None
        case Deny(error):
            return error
        case LogIn() | GoUpstream():
            return LoginRequiredError("Nobody is signed in here, or not recently enough.")
        case AskConsent():
            return ConsentRequiredError("Consent required.")
        case _:
            return InteractionRequiredError("The person must choose an organization or prove a second factor first.")


def _is_too_old(request: AuthorizationRequest, session: Session, now: int) -> bool:
    """Tells whether the person must prove again who it is (OpenID Connect Core §3.1.2.1)."""
    if request.prompts & {"login", "select_account"}:
        return True
    limit = request.max_age_s
    return limit is not None and (limit == 0 or now - session.authenticated_at > limit)


def _organization(
    request: AuthorizationRequest, client: Client, progress: Progress, session: Session, person: Person
) -> Membership | ChooseOrganization | Deny | None:
    mine = {
        key: one for key, one in person.memberships.items() if client.any_organization or key == client.organization_id
    }
    if request.organization is not None:
        wanted = request.organization.casefold()
        named = [one for key, one in mine.items() if wanted in {key.casefold(), one.organization_name.casefold()}]
        return named[0] if len(named) == 1 else Deny(_not_part("that was asked for"))
    if not mine:
        is_free = client.any_organization and session.confined_to is None
        return None if is_free else Deny(_not_part("of this application"))
    if len(mine) == 1:
        return next(iter(mine.values()))
    if progress.organization_id in mine:
        return mine[progress.organization_id]
    if session.organization_id in mine and "select_account" not in request.prompts:
        return mine[session.organization_id]
    return ChooseOrganization(tuple(mine.values()))


def _organization_of_page(
    request: PageRequest, progress: Progress, session: Session, person: Person
) -> Membership | ChooseOrganization | None:
    mine = dict(person.memberships)
    if not request.of_organization or not mine:
        return None
    if len(mine) == 1:
        return next(iter(mine.values()))
    if progress.organization_id in mine:
        return mine[progress.organization_id]
    if session.organization_id in mine and not request.chooses_organization:
        return mine[session.organization_id]
    return ChooseOrganization(tuple(mine.values()))


def _not_part(which: str) -> AccessDeniedError:
    return AccessDeniedError(f"This person is not part of the organization {which}.")


def _session(
    progress: Progress, session: Session, membership: Membership | None, found: Situation, now: int
) -> Step | None:
    """Judges the session by what the organization asks for: how long it lasts, and how it began."""
    if membership is None:
        return None
    limits = found.limits.within(membership.session_idle_s, membership.session_lifetime_s)
    if not session.is_live(limits, now):
        return LogIn()
    sole = membership.sole_first_factor
    if sole is None or sole in first_factors_of(session.methods):
        return None
    if sole is FirstFactor.CONNECTION:
        return _past_the_connection(session, membership)
    if sole is not FirstFactor.PASSKEY or PASSKEY_KIND in found.second_factors or _is_vouched_for(session):
        return LogIn(sole)
    is_fresh = progress.is_authenticated or now - session.authenticated_at < FRESH_S
    return SetUpSecondFactor(session.user_id, passkey=True) if is_fresh else LogIn()


def _past_the_connection(session: Session, membership: Membership) -> Step | None:
    """Judges a session that came of no identity provider, where all must; None: emergency access was used."""
    where = membership.organization_id
    if not membership.has_emergency_access or session.confined_to is not None or acr_of(session.methods) != AAL2:
        return LogIn(FirstFactor.CONNECTION, organization_id=where)
    return None if session.emergency_in == where else UseEmergencyAccess(where, membership.organization_name)


def _second_factor(acr: str | None, session: Session, membership: Membership | None, found: Situation) -> Step | None:
    is_wanted = acr == AAL2 or (membership is not None and membership.second_factor_required)
    if not is_wanted or acr_of(session.methods) == AAL2:
        return None
    if found.second_factors:
        return ProveSecondFactor(session.user_id)
    if not _is_vouched_for(session):
        return SetUpSecondFactor(session.user_id)
    # Nobody adds to an account, if it is more than this organization's, of which its provider alone says whose it is.
    return (
        LogIn(user_id=session.user_id) if found.is_claimed else SetUpSecondFactor(session.user_id, opens_nothing=True)
    )


def _is_vouched_for(session: Session) -> bool:
    """Tells whether an identity provider alone says whose session it is: the person proved nothing of its own here."""
    return session.confined_to is not None and not first_factors_of(session.methods) & _OWN


def _consent(
    request: AuthorizationRequest, client: Client, progress: Progress, membership: Membership | None, found: Situation
) -> Step:
    organization_id = None if membership is None else membership.organization_id
    is_asked_for = "consent" in request.prompts
    is_given = found.consented.issuperset(request.scope.split()) and not is_asked_for and bool(found.consented)
    if progress.has_consented or is_given or not (client.third_party or is_asked_for):
        return Finish(organization_id)
    return AskConsent(organization_id)
