"""A page asks the API, in process, as the person whose session it shows."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

import msgspec

from rxauth.api.execute import Expected
from rxauth.api.outcomes import Outcome
from rxauth.edge import operations
from rxauth.edge.context import Edge
from rxauth.edge.pages import wording
from rxauth.edge.requests import Request
from rxauth.edge.settings.sections import Data, Variables, permission_variables
from rxauth.edge.visits import Visit
from rxauth.policy import decide, prescribing
from rxauth.policy.assurance import Authentication, acr_of
from rxauth.policy.permissions import PERMISSIONS
from rxauth.policy.subjects import Caller, UserSubject

# Where a refused value stands among others, which a page shows beside the value itself.
_PLACE: Final = re.compile(r"\A\w+(?:\.\w+)*\[\d+\]: ")
CLIENT_ID: Final = "settings"  # what records name, where a token would name its client
# A page signs nothing, whoever is there.
_ALL: Final = frozenset(permission.name for permission in PERMISSIONS) - {prescribing.PERMISSION}


@dataclass(frozen=True, slots=True)
class Problem:
    """Why the API did not do, or show, something. field: the API's name of the value it is about.

    reason: a code that says more than the code. max_age_s: how long ago the person may have signed in.
    """

    code: str
    message: str
    field: str | None = None
    reason: str | None = None
    max_age_s: int | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """What the API said. data: by root field, empty if nothing ran; problem: its first error."""

    data: Data = field(repr=False)
    problem: Problem | None


def caller_of(visitor: Visit, organization_id: str, now: int) -> Caller:
    """Returns a person as the API's caller: with all that the person holds, but nothing that signs."""
    found = visitor.person.subject(organization_id)
    subject = found or UserSubject(visitor.user.id, None, frozenset(), None)
    session = visitor.session
    one = decide.caller(_ALL, subject, CLIENT_ID, session.id, now)
    proven = Authentication(acr_of(session.methods), session.authenticated_at)
    return replace(one, authentication=proven, session_id=session.id)


def encoded(caller: Caller, document: str, variables: Variables) -> bytes:
    """Returns a request, with what its document wants to know of the caller's permissions."""
    known = {name: one in caller.permissions for name, one in permission_variables(document).items()}
    return msgspec.json.encode({"query": document, "variables": {**variables, **known}})


async def ask(
    edge: Edge, request: Request, caller: Caller, body: bytes, *, key: str | None = None, rests: Expected | None = None
) -> Answered:
    """Sends a request. key: of the form that asks for it, so that it is done once; None: the page only shows.

    rests: what the form was filled in by.
    """
    keys = () if key is None else (key,)
    run = partial(operations.run, edge, request, caller, body, keys, expected=rests)
    outcome: Outcome = await edge.in_thread(run)
    await operations.note(edge, request, caller, outcome)
    content = msgspec.json.decode(outcome.body)
    errors = content.get("errors") or []
    return Answered(content.get("data") or {}, _problem(errors[0]) if errors else None)


def _problem(error: Mapping[str, Any]) -> Problem:
    extensions = error.get("extensions", {})
    message = _PLACE.sub("", str(error["message"]))
    sentence = wording.sentence(message, extensions.get("field"))
    more = [extensions.get(name) for name in ("field", "reason", "max_age")]
    return Problem(extensions.get("code", ""), sentence, *more)
