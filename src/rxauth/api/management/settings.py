"""What an organization asks of its people's sign-ins: read, and changed."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rxauth.api.context import Context, Info
from rxauth.api.errors import ForbiddenError
from rxauth.api.management.callers import TWO_FACTORS, actor
from rxauth.api.management.inputs import OrganizationSettingsInput
from rxauth.domain import accents, audit, logos, organization_settings, organizations
from rxauth.domain.audit import Event
from rxauth.domain.errors import AbsentError
from rxauth.domain.organization_settings import Changed, Lacking
from rxauth.domain.organizations import Organization
from rxauth.policy import decide
from rxauth.policy.assurance import FirstFactor
from rxauth.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class ShownLogo:
    """Whose logo it is, and its name."""

    organization_id: str
    name: str

    @property
    def path(self) -> str:
        """Logo.path."""
        return logos.path_of(self.organization_id, self.name)

    @property
    def content_type(self) -> str:
        """Logo.contentType."""
        return logos.media_type_of(self.name)


def settings(_root: None, info: Info) -> Organization:
    """Query.organizationSettings."""
    context = info.context

    def work(transaction: Transaction) -> Organization:
        found = organizations.find(transaction, context.organization_id)
        if found is None:
            raise AbsentError("there is no such organization")
        return found

    return context.read(work)


def update(
    _root: None,
    info: Info,
    input: OrganizationSettingsInput,  # noqa: A002  # the contract's name
    version: str | None = None,
) -> Organization:
    """Mutation.updateOrganizationSettings: what is not named stays.

    Raises:
        InvalidError: a value that nobody can set. StaleError: see `version`.
        StepUpError: somebody would get in, or stay in, who did not before. ForbiddenError: single sign-on is asked of
        everybody, or no longer, which takes another permission.
    """
    context = info.context
    changes, longest, now = input.changes(), context.session_limits, context.clock.seconds()

    def work(transaction: Transaction) -> Organization:
        changed = organization_settings.change(
            transaction, context.organization_id, longest, now, expected=version, **changes
        )
        if changed.is_weaker:
            context.require_authentication(TWO_FACTORS)
        if changed.is_of_single_sign_on:
            _require_connections(context)
        if changed.names:
            _record(context, transaction, changed)
        return changed.after

    return context.write(work)


def first_factors(source: Organization, _info: Info) -> list[str]:
    """OrganizationSettings.firstFactors."""
    sole = source.sole_first_factor
    return [one.name for one in FirstFactor if one is sole or (sole is None and one is not FirstFactor.CONNECTION)]


def version(source: Organization, _info: Info) -> str:
    """OrganizationSettings.version."""
    return organization_settings.version(source)


def accent_on_light(source: Organization, _info: Info) -> bool:
    """OrganizationSettings.accentOnLight."""
    return _can_be_read(source, accents.LIGHT)


def accent_on_dark(source: Organization, _info: Info) -> bool:
    """OrganizationSettings.accentOnDark."""
    return _can_be_read(source, accents.DARK)


def logo(source: Organization, _info: Info) -> ShownLogo | None:
    """OrganizationSettings.logo."""
    return None if source.logo is None else ShownLogo(source.id, source.logo)


def image(source: ShownLogo, info: Info) -> str:
    """Logo.image: read only where it is asked for."""
    found = info.context.read(lambda tx: logos.find(tx, source.organization_id, source.name))
    if found is None:
        raise AbsentError("the picture was changed at this moment: ask again")
    return base64.b64encode(found.content).decode()


def longest_idle_s(_source: Organization, info: Info) -> int:
    """OrganizationSettings.longestSessionIdleSeconds."""
    return info.context.session_limits.idle_s


def longest_lifetime_s(_source: Organization, info: Info) -> int:
    """OrganizationSettings.longestSessionLifetimeSeconds."""
    return info.context.session_limits.lifetime_s


def members(source: Organization, info: Info) -> int:
    """OrganizationSettings.members."""
    return _lacking(source, info).members


def without_second_factor(source: Organization, info: Info) -> int:
    """OrganizationSettings.membersWithoutSecondFactor."""
    return _lacking(source, info).second_factor


def without_passkey(source: Organization, info: Info) -> int:
    """OrganizationSettings.membersWithoutPasskey."""
    return _lacking(source, info).passkey


def _lacking(source: Organization, info: Info) -> Lacking:
    """Counts once, and only if somebody asks: it takes the members one by one."""
    found: Lacking = info.context.get(_count, source.id)
    return found


def _count(transaction: Transaction, _organization_id: str, keys: Sequence[str]) -> Mapping[str, Lacking]:
    return {one: organization_settings.lacking(transaction, one) for one in keys}


def _can_be_read(source: Organization, scheme: accents.Scheme) -> bool:
    color = source.accent_color
    return color is not None and accents.can_be_read(color, scheme)


def _require_connections(context: Context) -> None:
    insufficient = decide.require(context.caller, ("manage:connection",), context.clock.seconds())
    if insufficient is not None:
        raise ForbiddenError(insufficient)


def _record(context: Context, transaction: Transaction, changed: Changed) -> None:
    where = context.organization_id
    details = {name: _said(getattr(changed.after, name)) for name in changed.names}
    act = audit.Act(Event.ORGANIZATION_SETTINGS_CHANGED, actor(context.caller), where, where, details=details)
    audit.record(transaction, act, context.clock.microseconds())


def _said(value: object) -> str | int:
    """Returns what the log has of a value: of lists, how long they are."""
    if isinstance(value, tuple):
        return len(value)
    return str(value) if isinstance(value, str) else int(value) if isinstance(value, int) else "none"
