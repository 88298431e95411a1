"""What came of trying a connection, for the administrator who did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

import msgspec

from rxauth.api.context import Info
from rxauth.api.management.connections import sealing_key
from rxauth.api.schema import Resolver
from rxauth.domain import connection_trials, connections
from rxauth.domain.connection_trials import Trial
from rxauth.policy import upstream_factors
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction

# Claims, and of SAML an attribute, that say how somebody signed in.
_METHODS: Final = ("amr", "acr", "AuthnContextClassRef")


@dataclass(frozen=True, slots=True)
class ReceivedClaim:
    """A claim that a provider sent."""

    name: str
    values: Sequence[str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Shown:
    """A trial, and the values that stand for a second factor now."""

    trial: Trial
    counting: tuple[str, ...]


def find(_root: None, info: Info, id: str, of: str) -> Shown | None:  # noqa: A002  # the contract's name
    """Query.connectionTrial."""
    context = info.context
    key, user_id = sealing_key(context), context.user_id or ""

    def work(transaction: Transaction) -> Shown | None:
        where, now = context.organization_id, context.clock.seconds()
        found = connection_trials.find(transaction, where, user_id, of, key, now=now)
        if found is None or found[0] != id:
            return None
        return Shown(found[1], connections.require(transaction, where, id).mapping.second_factor)

    return context.read(work)


def claims(shown: Shown, _info: Info) -> Sequence[ReceivedClaim]:
    """ConnectionTrial.claims: by name."""
    return [ReceivedClaim(name, _texts(value)) for name, value in sorted(shown.trial.claims.items())]


def roles(shown: Shown, _info: Info) -> Sequence[Role]:
    """ConnectionTrial.roles."""
    return shown.trial.roles


def second_factor(shown: Shown, _info: Info) -> Sequence[str]:
    """ConnectionTrial.secondFactor."""
    said = [text for name in _METHODS for text in _texts(shown.trial.claims.get(name, []))]
    return upstream_factors.matched(said, shown.counting)


def _texts(value: Any) -> Sequence[str]:
    several = value if isinstance(value, list) else [value]
    return [one if isinstance(one, str) else msgspec.json.encode(one).decode() for one in several]


def _of_trial(name: str) -> Resolver:
    return lambda shown, _info: getattr(shown.trial, name)


FIELDS: Final[Mapping[str, Resolver]] = MappingProxyType(
    {
        **{name: _of_trial(name) for name in ("email", "groups", "code", "explanation")},
        "firstName": _of_trial("first_name"),
        "lastName": _of_trial("last_name"),
        "mustLink": _of_trial("must_link"),
        "claims": claims,
        "roles": roles,
        "secondFactor": second_factor,
    }
)
