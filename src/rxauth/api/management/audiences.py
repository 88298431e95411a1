"""Audiences: the APIs that tokens of an organization can be for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rxauth.api.context import Info
from rxauth.domain import audiences

OWN_ALGORITHM: Final = "RS256"


@dataclass(frozen=True, slots=True)
class Shown:
    """An audience; is_own: this server's own API."""

    identifier: str
    is_own: bool
    token_lifetime_seconds: int
    algorithm: str


def search(_root: None, info: Info) -> Sequence[Shown]:
    """Query.audiences: this server's own first, then the organization's, oldest first."""
    context = info.context
    terms = context.require_terms()
    found = context.read(lambda tx: audiences.of_organization(tx, context.organization_id))
    own = Shown(terms.audience, True, terms.person_token_s, OWN_ALGORITHM)
    return [own, *(Shown(one.identifier, False, one.lifetime_s, one.algorithm) for one in found)]
