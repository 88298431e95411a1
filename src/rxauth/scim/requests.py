"""What a SCIM endpoint is asked, and what it gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from rxauth.domain import audit
from rxauth.domain.audit import Event
from rxauth.domain.errors import InvalidError
from rxauth.domain.scim_accounts import Telling
from rxauth.domain.sessions import Ended
from rxauth.scim.errors import InvalidFilterError, InvalidSyntaxError, VersionError
from rxauth.storage.database import Transaction

SEARCH: Final = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. id: of the resource that it is about, or "". query: of the URL, by name. body None: there is none.

    if_match, if_none_match: entity tags, as the client wrote them; None: it wrote none.
    """

    id: str = ""
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Any = field(default=None, repr=False)
    if_match: str | None = None
    if_none_match: str | None = None

    def searched(self) -> "Asked":
        """Returns the request that a search in a body stands for (RFC 7644 §3.4.3).

        Raises:
            InvalidSyntaxError: it is none.
        """
        if not isinstance(self.body, dict) or SEARCH not in (self.body.get("schemas") or ()):
            raise InvalidSyntaxError(f"The body is a JSON object, and schemas has {SEARCH}.")
        return Asked(query={name: value for name, value in self.body.items() if value is not None})

    @property
    def filter(self) -> str | None:
        """The filter, or None.

        Raises:
            InvalidFilterError: it is no text.
        """
        found = self.query.get("filter")
        if found is not None and not isinstance(found, str):
            raise InvalidFilterError("A filter is a text.")
        return found or None

    def require_version(self, current: str) -> None:
        """Checks that the client knows the resource as it is, if it says what it knows.

        Raises:
            VersionError: it knows another.
        """
        if self.if_match is not None and not _matches(self.if_match, current):
            raise VersionError

    def knows(self, current: str) -> bool:
        """Tells whether the client has the resource as it is already."""
        return self.if_none_match is not None and _matches(self.if_none_match, current)


def _matches(listed: str, current: str) -> bool:
    """Compares weakly, as an entity tag of JSON allows (RFC 9110 §8.8.3.2)."""
    tags = [one.strip().removeprefix("W/") for one in listed.split(",")]
    return "*" in tags or current.removeprefix("W/") in tags


@dataclass(frozen=True, slots=True)
class Given:
    """What is answered. body None: nothing. ended: sessions that the request ended, whose clients are to hear of it."""

    status: int
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    location: str | None = None
    version: str | None = None
    ended: Sequence[Ended] = ()


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a request is served: for which organization, under which URL, and when (UTC milliseconds)."""

    organization_id: str
    base_url: str
    telling: Telling
    now_ms: int

    def record(
        self, transaction: Transaction, event: Event, target: str, details: Mapping[str, str | int] | None = None
    ) -> None:
        """Records what the identity provider did."""
        act = audit.Act(event, self.telling.actor, self.organization_id, target, details=details or {})
        audit.record(transaction, act, self.now_ms * 1000)


def refused_value(error: InvalidError) -> str:
    """Returns what a noun has against a value, as a sentence."""
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."
