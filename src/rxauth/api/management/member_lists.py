"""The members of the caller's organization: a page of them, one of them, and what is known of each."""

from collections.abc import Sequence

from rxauth.api.context import Context, Info
from rxauth.api.management import provider_people
from rxauth.api.management import roles as roles_resolvers
from rxauth.domain import administrators, factor_resets, members, memberships, providers
from rxauth.domain.administrators import LastAdministratorError
from rxauth.domain.errors import InvalidError
from rxauth.domain.members import Activity, FactorState, Member
from rxauth.domain.paging import page
from rxauth.domain.providers import Provider
from rxauth.policy import giving, prescribing
from rxauth.policy.roles import Role
from rxauth.policy.subjects import UserSubject

_NO_FACTORS = FactorState()


def search(
    _root: None,
    info: Info,
    search: str | None = None,
    role: str | None = None,
    after: str | None = None,
    first: int | None = None,
) -> Sequence[Member]:
    """Query.members."""
    context, wanted = info.context, page(after, first)
    holding = None if role is None else roles_resolvers.read(role, "role")

    try:
        found = context.read(lambda tx: members.search(tx, context.organization_id, wanted, name=search, role=holding))
    except InvalidError as error:
        raise InvalidError(str(error), "search") from None
    return _met(context, found)


def member(_root: None, info: Info, user_id: str) -> Member | None:
    """Query.member."""
    context = info.context
    return context.read(lambda tx: members.find(tx, context.organization_id, user_id))


def is_disabled(source: Member, _info: Info) -> bool:
    """Member.disabled."""
    return source.user.disabled_at is not None


def roles(source: Member, info: Info) -> Sequence[tuple[Role, str | None]]:
    """Member.roles: each with the reason why it gives nothing yet."""
    context = info.context
    given = _roles_of(context, source)
    found: Provider | None = context.get(providers.of_people, source.id) if Role.PRESCRIBER in given else None
    authority = None if found is None else providers.authority(found)
    subject = UserSubject(source.id, context.organization_id, frozenset(given), authority)
    effective = subject.effective_roles
    return [(role, None if role in effective else _why(subject, context.clock.seconds())) for role in given]


def role(source: tuple[Role, str | None], _info: Info) -> Role:
    """MemberRole.role."""
    return source[0]


def pending(source: tuple[Role, str | None], _info: Info) -> str | None:
    """MemberRole.pending."""
    return source[1]


def second_factors(source: Member, info: Info) -> FactorState:
    """Member.secondFactors."""
    return info.context.get(members.factors_of, source.id) or _NO_FACTORS


def sessions(source: Member, info: Info) -> int:
    """Member.sessions."""
    found = _activity(info.context, source)
    return 0 if found is None else found.sessions


def last_seen_at(source: Member, info: Info) -> int | None:
    """Member.lastSeenAt."""
    found = _activity(info.context, source)
    return None if found is None else found.last_seen_at * 1_000


def works_elsewhere(source: Member, info: Info) -> bool:
    """Member.worksElsewhere."""
    return bool(info.context.get(members.elsewhere, source.id))


def refusal(source: Member, info: Info) -> str | None:
    """Member.refusal: as far as it shows beforehand."""
    context = info.context
    giver, given = context.caller.subject, _roles_of(context, source)
    if not isinstance(giver, UserSubject):
        return None  # a machine does not get here
    refused = giving.change_refusal(giver, source.id, given, (), context.clock.seconds())
    if refused is not None:
        return refused.reason
    is_last = Role.ADMINISTRATOR in given and context.get(administrators.but, source.id) == 0
    return str(LastAdministratorError()) if is_last else None


def authority(source: Member, info: Info) -> Provider | None:
    """Member.authority."""
    context = info.context
    found: Provider | None = context.get(providers.of_people, source.id, meet=provider_people.met)
    return found


def _met(context: Context, found: Sequence[Member]) -> Sequence[Member]:
    """Notes of whom the rest may be asked, so that it is read for all of them at once."""
    ids = [one.id for one in found]
    for load in (memberships.roles_of, providers.of_people, members.factors_of, members.elsewhere):
        context.want(load, ids)
    context.want(members.activity_of, ids, context.session_limits, context.clock.seconds())
    context.want(providers.states_of, ids, context.clock.seconds())
    context.want(administrators.but, ids)
    context.want(factor_resets.waiting_for, ids, context.clock.seconds())
    return found


def _roles_of(context: Context, source: Member) -> Sequence[Role]:
    found: Sequence[Role] = context.get(memberships.roles_of, source.id) or []
    return found


def _activity(context: Context, source: Member) -> Activity | None:
    found: Activity | None = context.get(
        members.activity_of, source.id, context.session_limits, context.clock.seconds()
    )
    return found


def _why(subject: UserSubject, now: int) -> str:
    refused = prescribing.refusal(subject, now)
    return "it waits for authority" if refused is None else refused.reason
