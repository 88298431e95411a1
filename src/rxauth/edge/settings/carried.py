"""What somebody typed before they had to prove again who they are: it waits, sealed, with the sign-in."""

import base64
from typing import Final

import msgspec

from rxauth.crypto import sealing
from rxauth.crypto.secrets import digest, matches
from rxauth.domain import sign_ins
from rxauth.domain.sign_ins import SignIn
from rxauth.edge.context import Edge
from rxauth.edge.settings import fields as fields_of
from rxauth.edge.settings.fields import Fields
from rxauth.edge.visits import Visit
from rxauth.oauth.page_request import AGAIN, PageRequest
from rxauth.oauth.sign_in import Request

LIMIT_BYTES: Final = 32_000  # more than that nobody types


def seal(edge: Edge, visitor: Visit, path: str, sent: Fields) -> str | None:
    """Returns a form as a sign-in keeps it, for this person and page alone; None: it is too large."""
    plain = msgspec.json.encode(sent.pairs)
    if len(plain) > LIMIT_BYTES:
        return None
    sealed = sealing.seal(plain, edge.server.sealing_key, _purpose(visitor, path))
    return base64.b64encode(sealed).decode()


async def find(edge: Edge, visitor: Visit, path: str, fields: Fields) -> Fields | None:
    """Returns what was typed before the sign-in that led to this page, in this browser; None: nothing was."""
    sign_in_id = fields.text(AGAIN)
    if not sign_in_id:
        return None
    found: SignIn | None = await edge.in_thread(edge.server.database.read, lambda tx: sign_ins.find(tx, sign_in_id))
    if found is None or not matches(digest(visitor.handle), found.browser_digest):
        return None
    if edge.server.clock.seconds() >= found.expires_at:
        return None
    request: Request = msgspec.json.decode(found.request, type=Request)
    if not isinstance(request, PageRequest) or request.sealed_form is None:
        return None
    try:
        plain = sealing.unseal(base64.b64decode(request.sealed_form), edge.server.sealing_key, _purpose(visitor, path))
    except sealing.CannotUnsealError:
        return None
    return fields_of.of(msgspec.json.decode(plain, type=list[tuple[str, str]])).within(fields.parts)


def _purpose(visitor: Visit, path: str) -> str:
    return f"form of {path} for {visitor.user.id}"
