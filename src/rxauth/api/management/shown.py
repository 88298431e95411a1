"""How an authority is shown: names for what is stored as codes, moments in milliseconds, and where it stands now."""

from operator import attrgetter
from typing import Any

from rxauth.api.context import Info
from rxauth.api.management.inputs import SCHEDULES
from rxauth.api.schema import Resolver
from rxauth.domain import providers
from rxauth.domain.provider_acts import Reason
from rxauth.domain.provider_facts import Registration
from rxauth.domain.providers import Provider
from rxauth.policy import prescribing
from rxauth.policy.roles import Role
from rxauth.policy.subjects import UserSubject

_ROMAN = {schedule: name for name, schedule in SCHEDULES.items()}


def moment(attribute: str) -> Resolver:
    """Returns a resolver of UTC seconds, or None, as the scalar AWSDateTime takes them."""
    get = attrgetter(attribute)

    def resolve(source: Any, _info: Info) -> int | None:
        at = get(source)
        return None if at is None else at * 1_000

    return resolve


def of(path: str) -> Resolver:
    """Returns a resolver of an attribute, or of one inside it."""
    get = attrgetter(path)
    return lambda source, _info: get(source)


def named(path: str) -> Resolver:
    """Returns a resolver of a code, by the name that the contract has for it."""
    get = attrgetter(path)
    return lambda source, _info: get(source).name


def state(provider: Provider, info: Info) -> str:
    """ProviderAuthority.state: at this moment."""
    return providers.state_at(provider, info.context.clock.seconds()).name


def refusal(provider: Provider, info: Info) -> str | None:
    """ProviderAuthority.refusal: in the words that a refused prescription is answered with."""
    held = UserSubject(
        provider.user_id, provider.organization_id, frozenset({Role.PRESCRIBER}), providers.authority(provider)
    )
    refused = prescribing.refusal(held, info.context.clock.seconds())
    return None if refused is None else refused.reason


def reason(provider: Provider, _info: Info) -> str | None:
    """ProviderAuthority.reason."""
    return None if provider.reason is None else Reason(provider.reason).name


def schedules(registration: Registration, _info: Info) -> list[str]:
    """DeaRegistration.schedules."""
    return [_ROMAN[one] for one in registration.schedules]
