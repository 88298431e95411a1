"""What a pharmacy network is to this server: something that is told of orders, and that reports of them.

Another network than the one over HTTP is another class of this form, made in `app`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from rxauth.domain.dispatch_answers import Refusal
from rxauth.domain.dispatch_contents import Contents
from rxauth.domain.fulfillment import Report
from rxauth.edge.outbound import Outbound
from rxauth.oauth.errors import InvalidRequestError, OAuthError


class UnprovenReportError(OAuthError):
    """A report is not signed by the network, or was not signed lately; one text for every cause."""

    code = "invalid_signature"
    status = 401
    section = "RFC 9110 §15.5.2"

    def __init__(self) -> None:
        super().__init__("The report is not signed with the shared secret, or its timestamp is not of this moment.")


class MalformedReportError(InvalidRequestError):
    """A report does not say what a report says."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What the network answered. refusal None: it took what it was told, or it is to be told again later.

    outcome: `http_` and the status, or a code.
    """

    outcome: str
    is_taken: bool = False
    refusal: Refusal | None = field(default=None, repr=False)


class PharmacyNetwork(Protocol):
    """A network: orders go out to it, and reports of them come in."""

    async def tell(self, outbound: Outbound, contents: Contents, now: int) -> Heard:
        """Tells of one dispatch, which may have been told before: its `dispatchId` says so.

        Raises:
            ForbiddenAddressError: see there. OSError: nobody answered.
        """

    def hear(self, header: Callable[[bytes], str | None], body: bytes, now: int) -> Report:
        """Reads a report; header: the first value of one, by its name in lower case.

        Raises:
            UnprovenReportError, MalformedReportError: see there.
        """
