"""What an organization asks of its people's sign-ins: read, and changed."""

import base64
from dataclasses import dataclass

from rxauth.api.context import Context, Info
from rxauth.api.management.callers import TWO_FACTORS, actor
from rxauth.api.management.inputs import OrganizationSettingsInput
from rxauth.domain import accents, audit, logos, organization_settings, organizations
from rxauth.domain.audit import Event
from rxauth.domain.errors import AbsentError
from rxauth.domain.organization_settings import Changed, Lacking
from rxauth.domain.organizations import Organization
from rxauth.policy.assurance import FirstFactor
from rxauth.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class Shown:
    """An organization's settings, and whom they would touch."""

    organization: Organization
    lacking: Lacking


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


def settings(_root: None, info: Info) -> Shown:
    """Query.organizationSettings."""
    context = info.context

    def work(transaction: Transaction) -> Shown:
        found = organizations.find(transaction, context.organization_id)
        if found is None:
            raise AbsentError("there is no such organization")
        return _shown(transaction, found)

    return context.read(work)


def update(
    _root: None,
    info: Info,
    input: OrganizationSettingsInput,  # noqa: A002  # the contract's name
    version: str | None = None,
) -> Shown:
    """Mutation.updateOrganizationSettings: what is not named stays.

    Raises:
        InvalidError: a value that nobody can set. StaleError: see `version`.
        StepUpError: somebody would get in, or stay in, who did not before.
    """
    context = info.context
    changes, longest, now = input.changes(), context.session_limits, context.clock.seconds()

    def work(transaction: Transaction) -> Shown:
        changed = organization_settings.change(
            transaction, context.organization_id, longest, now, expected=version, **changes
        )
        if changed.is_weaker:
            context.require_authentication(TWO_FACTORS)
        if changed.names:
            _record(context, transaction, changed)
        return _shown(transaction, changed.after)

    return context.write(work)


def first_factors(source: Shown, _info: Info) -> list[str]:
    """OrganizationSettings.firstFactors."""
    sole = source.organization.sole_first_factor
    return [one.name for one in FirstFactor if sole in {None, one}]


def version(source: Shown, _info: Info) -> str:
    """OrganizationSettings.version."""
    return organization_settings.version(source.organization)


def accent_on_light(source: Shown, _info: Info) -> bool:
    """OrganizationSettings.accentOnLight."""
    return _can_be_read(source, accents.LIGHT)


def accent_on_dark(source: Shown, _info: Info) -> bool:
    """OrganizationSettings.accentOnDark."""
    return _can_be_read(source, accents.DARK)


def logo(source: Shown, _info: Info) -> ShownLogo | None:
    """OrganizationSettings.logo."""
    organization = source.organization
    return None if organization.logo is None else ShownLogo(organization.id, organization.logo)


def image(source: ShownLogo, info: Info) -> str:
    """Logo.image: read only where it is asked for."""
    found = info.context.read(lambda tx: logos.find(tx, source.organization_id, source.name))
    if found is None:
        raise AbsentError("the picture was changed at this moment: ask again")
    return base64.b64encode(found.content).decode()


def longest_idle_s(_source: Shown, info: Info) -> int:
    """OrganizationSettings.longestSessionIdleSeconds."""
    return info.context.session_limits.idle_s


def longest_lifetime_s(_source: Shown, info: Info) -> int:
    """OrganizationSettings.longestSessionLifetimeSeconds."""
    return info.context.session_limits.lifetime_s


def _can_be_read(source: Shown, scheme: accents.Scheme) -> bool:
    color = source.organization.accent_color
    return color is not None and accents.can_be_read(color, scheme)


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


def _shown(transaction: Transaction, organization: Organization) -> Shown:
    return Shown(organization, organization_settings.lacking(transaction, organization.id))
