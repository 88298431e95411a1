"""The settings' providers pages: who may prescribe, what waits for a second person, what ends soon, and each act."""

from collections.abc import Mapping
from typing import Any, Final

from rxauth.edge.addresses import SETTINGS_PATH
from rxauth.edge.settings import provider_documents as documents
from rxauth.edge.settings import provider_forms as forms
from rxauth.edge.settings.fields import FieldError, Fields
from rxauth.edge.settings.sections import Act, Data, Section, Variables
from rxauth.policy.assurance import AAL2, Wanted
from rxauth.policy.authority import FRESH_S

PATH: Final = f"{SETTINGS_PATH}/providers"
_ONE: Final = f"{PATH}/{{user_id}}"
_PROPOSE: Final = ("propose:provider_authority",)
_APPROVE: Final = ("approve:provider_authority",)
_SUSPEND: Final = ("suspend:provider_authority",)
_ANY: Final = (*_PROPOSE, *_APPROVE, *_SUSPEND)
_TWO_FACTORS: Final = Wanted(AAL2, FRESH_S)
STATES: Final = {
    "PROPOSED": "Proposed",
    "APPROVED": "Approved",
    "SUSPENDED": "Suspended",
    "REVOKED": "Revoked",
    "REJECTED": "Rejected",
    "EXPIRED": "Expired",
}
REASONS: Final = {
    "LICENCE_LAPSED": "A licence lapsed",
    "FACTOR_LOST": "A second factor was lost or stolen",
    "LEFT": "The person left",
    "BOARD_ACTION": "A board acted on the licence",
    "REQUESTED": "The person asked for it",
    "MISTAKEN": "It was a mistake",
    "OTHER": "Something else",
}
STATUSES: Final = {
    "ACTIVE": "Active",
    "INACTIVE": "Inactive",
    "EXPIRED": "Expired",
    "SUSPENDED": "Suspended",
    "PROBATION": "On probation",
    "RESTRICTED": "Restricted",
    "REVOKED": "Revoked",
    "SURRENDERED": "Surrendered",
}
EVENTS: Final = {
    "PROPOSED": "Proposed",
    "CHANGE_ASKED": "Other facts proposed",
    "RESTORE_ASKED": "Restoring proposed",
    "APPROVED": "Approved",
    "CHANGED": "Other facts approved",
    "RESTORED": "Restored",
    "REJECTED": "Proposal rejected",
    "SUSPENDED": "Suspended",
    "LIMITED": "Licence limited",
    "REVOKED": "Revoked",
}
KINDS: Final = {"PROPOSE": "to prescribe", "ASK_CHANGE": "other facts", "ASK_RESTORE": "to prescribe again"}
THINGS: Final = {
    "LICENCE": "Licence",
    "DEA_REGISTRATION": "DEA registration",
    "AUTHORITY": "The authority",
    "PROPOSAL": "The proposal lapses",
}
WORDS: Final = {
    "things": THINGS,
    "states": STATES,
    "reasons": REASONS,
    "statuses": STATUSES,
    "events": EVENTS,
    "kinds": KINDS,
}


def _words(_data: Data, _fields: Fields) -> Mapping[str, Any]:
    return WORDS


def _listed(fields: Fields) -> Variables:
    state = fields.text("state").upper()
    return {
        "after": fields.optional("after"),
        "state": state if state in STATES else None,
        "isFirst": not fields.text("after"),
    }


def _page(fields: Fields) -> Variables:
    return {"after": fields.optional("after")}


def _named(fields: Fields) -> Variables:
    return {"name": fields.text("name"), "after": fields.optional("after")}


def _person(fields: Fields) -> Variables:
    return {"userId": fields.text("user_id")}


def _history(fields: Fields) -> Variables:
    return {**_person(fields), "after": fields.number("after")}


def _proposal(fields: Fields) -> Variables:
    return {**_person(fields), "proposalId": fields.text("proposal")}


def _reason(fields: Fields) -> str:
    reason = fields.text("reason")
    if reason not in REASONS:
        raise FieldError("reason", "Choose the reason.")
    return reason


def _rejected(fields: Fields) -> Variables:
    return {**_proposal(fields), "reason": _reason(fields)}


def _ended(fields: Fields) -> Variables:
    return {**_person(fields), "reason": _reason(fields)}


def _limited(fields: Fields) -> Variables:
    state, _, number = fields.text("licence").partition(" ")
    if not number:
        raise FieldError("licence", "Choose the licence.")
    status = fields.text("status")
    if status not in STATUSES or status == "ACTIVE":
        raise FieldError("status", "Choose what became of it.")
    return {**_person(fields), "state": state, "number": number, "status": status}


def form_values(data: Data, fields: Fields) -> Mapping[str, Any]:
    """Returns what the form of a provider's facts shows: its rows, and the words for its choices."""
    known = forms.known_facts(data)
    return {
        **WORDS,
        "known": known,
        "licences": forms.rows(fields, known.get("licences", ()), "licence", more=forms.MORE_LICENCES, least=1),
        "registrations": forms.rows(
            fields, known.get("registrations", ()), "registration", more=forms.MORE_REGISTRATIONS, least=0
        ),
        "until": forms.last_day(known.get("effectiveUntil")),
        "codes": forms.STATE_CODES,
        "schedule_options": [(one, one, None) for one in forms.SCHEDULES],
        "more_licences": forms.MORE_LICENCES,
        "more_registrations": forms.MORE_REGISTRATIONS,
        "rows_limit": forms.ROWS_LIMIT,
    }


def _to_provider(_data: Data, fields: Fields) -> str:
    return f"{PATH}/{fields.text('user_id')}"


def _act(document: str, variables: Any, notice: str, **more: Any) -> Act:
    return Act(document, variables, notice=notice, leads_to=_to_provider, **more)


def _confirm(name: str, opens: tuple[str, ...], act: Act, *, wanted: Wanted | None = None) -> Section:
    """Returns the page of one dangerous act: it names what will happen, and asks once."""
    return Section(
        path=f"{_ONE}/{name}",
        tab="providers",
        template=f"settings_provider_{name}.html",
        query=documents.ONE,
        opens=opens,
        variables=_person,
        values=_words,
        required="providerAuthority",
        wanted=wanted,
        acts={f"provider-{name}": act},
    )


def _facts(name: str, asked: tuple[str, str], document: str, notice: str) -> Section:
    """Returns the page of a form for facts, which can grow. asked: its query, and the field that must be there."""
    return Section(
        path=f"{_ONE}/{name}",
        tab="providers",
        template=f"settings_provider_{name}.html",
        query=asked[0],
        opens=_PROPOSE,
        variables=_person,
        values=form_values,
        required=asked[1],
        wanted=_TWO_FACTORS,
        acts={f"provider-{name}": _act(document, forms.variables, notice, place_of=forms.place_of)},
        redraws=forms.REDRAWS,
    )


SECTIONS: Final = (
    Section(
        path=PATH,
        tab="providers",
        template="settings_providers.html",
        query=documents.MANY,
        opens=_ANY,
        variables=_listed,
        values=_words,
    ),
    Section(
        path=f"{PATH}/propose",
        tab="providers",
        template="settings_provider_candidates.html",
        query=documents.CANDIDATES,
        opens=_PROPOSE,
        variables=_named,
        values=_words,
    ),
    Section(
        path=f"{PATH}/soon",
        tab="providers",
        template="settings_provider_soon.html",
        query=documents.SOON,
        opens=_ANY,
        variables=_page,
        values=_words,
    ),
    Section(
        path=_ONE,
        tab="providers",
        template="settings_provider.html",
        query=documents.WHOLE,
        opens=_ANY,
        variables=_history,
        values=_words,
        required="providerAuthority",
    ),
    _facts(
        "propose",
        (documents.CANDIDATE, "providerCandidate"),
        documents.PROPOSE,
        "It was proposed. Somebody else has to approve it within 7 days.",
    ),
    _facts(
        "change",
        (documents.ONE, "providerAuthority"),
        documents.CHANGE,
        "Other facts were proposed. Those in force hold until somebody else approves these.",
    ),
    Section(
        path=f"{_ONE}/proposal",
        tab="providers",
        template="settings_provider_proposal.html",
        query=documents.ONE,
        opens=_APPROVE,
        variables=_person,
        values=_words,
        required="providerAuthority",
        acts={
            "provider-approve": _act(documents.APPROVE, _proposal, "It was approved, and holds from now on."),
            "provider-reject": _act(documents.REJECT, _rejected, "The proposal was rejected."),
        },
    ),
    _confirm(
        "restore",
        _PROPOSE,
        _act(documents.RESTORE, _person, "Restoring was proposed. Somebody else has to approve it within 7 days."),
        wanted=_TWO_FACTORS,
    ),
    _confirm("suspend", _SUSPEND, _act(documents.SUSPEND, _ended, "The authority was suspended.")),
    _confirm("revoke", _SUSPEND, _act(documents.REVOKE, _ended, "The authority was revoked.")),
    _confirm("limit", _SUSPEND, _act(documents.LIMIT, _limited, "The licence was limited.")),
)
