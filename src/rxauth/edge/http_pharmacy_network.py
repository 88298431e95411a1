"""A pharmacy network over HTTP: JSON both ways, signed with a secret that both sides have."""

from collections.abc import Callable
from typing import Annotated, Final, Literal

import msgspec

from rxauth.crypto import signed_messages
from rxauth.domain.dispatch_answers import Refusal
from rxauth.domain.dispatch_contents import Contents
from rxauth.domain.fulfillment import Accepted, Progress, Refused, Report
from rxauth.edge.outbound import Outbound
from rxauth.edge.pharmacy_network import Heard, MalformedReportError, UnprovenReportError

SIGNATURE: Final = "x-rxauth-signature"
TIMESTAMP: Final = "x-rxauth-timestamp"
REASON_LIMIT_CHARACTERS: Final = 100
MESSAGE_LIMIT_CHARACTERS: Final = 500
_CODE: Final = msgspec.Meta(min_length=1, max_length=REASON_LIMIT_CHARACTERS, pattern=r"^[A-Za-z0-9_.:-]+$")
_IDENTIFIER: Final = msgspec.Meta(pattern="^[A-Za-z0-9_]{1,64}$")
_TEXT: Final = msgspec.Meta(min_length=1, max_length=MESSAGE_LIMIT_CHARACTERS)
_LINE: Final = msgspec.Meta(min_length=1, max_length=REASON_LIMIT_CHARACTERS)


class _Refusal(msgspec.Struct):
    """The body of an answer that refuses."""

    reason: Annotated[str, _CODE]
    message: str | None = None


class _Report(msgspec.Struct, rename="camel"):
    """The body of a report."""

    dispatch_id: Annotated[str, _IDENTIFIER]
    state: Literal["ACCEPTED", "REFUSED", "RECEIVED", "READY", "PICKED_UP", "FILLING", "SHIPPED", "DELIVERED"]
    reason: Annotated[str, _CODE] | None = None
    message: Annotated[str, _TEXT] | None = None
    carrier: Annotated[str, _LINE] | None = None
    tracking_number: Annotated[str, _LINE] | None = None


_REFUSALS: Final = msgspec.json.Decoder(_Refusal)
_REPORTS: Final = msgspec.json.Decoder(_Report)


class HttpPharmacyNetwork:
    """The network at a URL."""

    def __init__(self, url: str, secret: str) -> None:
        self._url = url
        self._secret = secret

    async def tell(self, outbound: Outbound, contents: Contents, now: int) -> Heard:
        """Posts a dispatch; only a 4xx that gives a reason refuses it, so that a wrong setting refuses no order."""
        body = msgspec.json.encode(contents)
        timestamp = str(now)
        headers = {
            "content-type": "application/json",
            "idempotency-key": contents["dispatchId"],
            TIMESTAMP: timestamp,
            SIGNATURE: signed_messages.sign(self._secret, timestamp, body),
            "user-agent": "rxauth",
        }
        answer = await outbound.ask(self._url, body, headers)
        is_taken = 200 <= answer.status < 300
        refusal = _refusal(answer.body) if 400 <= answer.status < 500 else None
        return Heard(f"http_{answer.status}", is_taken, refusal)

    def hear(self, header: Callable[[bytes], str | None], body: bytes, now: int) -> Report:
        """Reads a report."""
        timestamp, signature = header(TIMESTAMP.encode()), header(SIGNATURE.encode())
        if not timestamp or not signature:
            raise UnprovenReportError
        if not signed_messages.is_genuine(self._secret, timestamp, body, signature, now):
            raise UnprovenReportError
        try:
            said = _REPORTS.decode(body)
        except msgspec.DecodeError as error:
            raise MalformedReportError(f"This is no report: {_place(error)}.") from None
        if said.state == "ACCEPTED":
            return Accepted(said.dispatch_id)
        if said.state != "REFUSED":
            return Progress(said.dispatch_id, said.state, said.carrier, said.tracking_number)
        if said.reason is None:
            raise MalformedReportError("A report of REFUSED has a reason.")
        return Refused(said.dispatch_id, said.reason, said.message)


def _refusal(body: bytes) -> Refusal | None:
    """Returns why the network refuses, if it says so; of its message, what can be shown."""
    try:
        said = _REFUSALS.decode(body)
    except msgspec.DecodeError:
        return None
    message = "".join(one if one.isprintable() else " " for one in said.message or "").strip()
    return Refusal(said.reason, message[:MESSAGE_LIMIT_CHARACTERS] or None)


def _place(error: msgspec.DecodeError) -> str:
    """Returns what is wrong and where, without what was sent."""
    text = str(error)
    return text if isinstance(error, msgspec.ValidationError) and "Invalid enum" not in text else _ANYTHING_ELSE


_ANYTHING_ELSE: Final = "it has a dispatchId, and one of the states that the guide lists"
