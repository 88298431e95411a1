"""The settings' page that tries a connection: one sign-in at the provider, by which nobody is signed in here."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urljoin

from rxauth.domain import connections
from rxauth.domain.errors import AbsentError
from rxauth.edge.context import Edge
from rxauth.edge.pages import wording
from rxauth.edge.requests import Request
from rxauth.edge.responses import Answer
from rxauth.edge.settings import trial_words
from rxauth.edge.settings.connection_documents import TRIAL
from rxauth.edge.settings.connection_new import MANAGE, PATH, TAB
from rxauth.edge.settings.connections import ONE_PATH, about, identifier
from rxauth.edge.settings.fields import FieldError, Fields
from rxauth.edge.settings.sections import Data, Section, Variables
from rxauth.edge.sso import departure, errands
from rxauth.edge.sso.errands import Errand
from rxauth.edge.visits import Visit
from rxauth.federation.problems import UpstreamError

# What is read from claims, by the names of the API.
_MEANINGS: Final = (
    ("email", "Email address"),
    ("firstName", "First name"),
    ("lastName", "Last name"),
    ("groups", "Groups"),
)
_METHODS: Final = ("amr", "acr", "AuthnContextClassRef")


async def _try(edge: Edge, _request: Request, visitor: Visit, fields: Fields) -> Answer:
    return await leave(edge, visitor, fields)


async def leave(edge: Edge, visitor: Visit, fields: Fields, *, signs_with_next: bool = False) -> Answer:
    """Sends the administrator's browser to the provider. signs_with_next: with our certificate that is not used yet.

    Raises:
        FieldError: nobody can be sent there now; in an administrator's words.
    """
    organization_id, connection_id = visitor.organization_id or "", fields.text("connection_id")
    errand = Errand(tried_by=visitor.user.id, signs_with_next=signs_with_next)
    try:
        found = await edge.in_thread(
            edge.server.database.read, lambda tx: connections.require(tx, organization_id, connection_id)
        )
        outgoing = await departure.begin(edge, found, visitor.browser, errand)
    except AbsentError as error:
        raise FieldError("", wording.sentence(str(error))) from None
    except UpstreamError as error:
        advice = trial_words.ADVICE.get(error.code, "")
        raise FieldError("", f"{wording.sentence(str(error))} {advice}".strip()) from None
    return errands.leave(outgoing, after_form=True)


def _variables(fields: Fields) -> Variables:
    return {**identifier(fields), "of": fields.text("of")}


def _shown(data: Data, fields: Fields) -> Mapping[str, Any]:
    """Returns what each claim that was received means here, and what to do about a refusal."""
    trial, mapping = data.get("connectionTrial"), (data.get("connection") or {}).get("claims", {})
    meanings: dict[str, list[str]] = {}
    for name, words in _MEANINGS:
        if mapping.get(name):
            meanings.setdefault(mapping[name], []).append(words)
    for name in _METHODS:
        meanings.setdefault(name, []).append("Second factor")
    code = "" if trial is None else trial["code"] or ""
    page = trial_words.MENDING.get(code)
    mends = None if page is None else (urljoin(f"{PATH}/{fields.text('connection_id')}/", page[0]), page[1])
    advice, is_over = trial_words.ADVICE.get(code), bool(fields.text("of"))
    return {"meanings": meanings, "advice": advice, "mends": mends, "is_over": is_over, **about(data, fields)}


PAGE: Final = Section(
    path=f"{ONE_PATH}/trial",
    tab=TAB,
    template="settings_connection_trial.html",
    query=TRIAL,
    opens=MANAGE,
    variables=_variables,
    values=_shown,
    required="connection",
    leaves={"try_connection": _try},
)
