"""Who saw a patient, and what one person or machine saw: pages of the access log. Opening one is recorded in it."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from rxauth.edge.pages.wording import seconds
from rxauth.edge.settings.activity import PATH as ACTIVITY
from rxauth.edge.settings.fields import Fields
from rxauth.edge.settings.sections import Data, Section, Variables

PATIENTS: Final = f"{ACTIVITY}/patients"
PERSON: Final = f"{ACTIVITY}/accesses"
ROWS: Final = 25
_RECORD: Final = "id at actorKind actorId actorName clientId operation fields outcome codes patients network"
_SEARCH: Final = """
query FindPatientOfAccessLog($words: String, $isSearch: Boolean!, $can_read_patient: Boolean!) {
  ... @include(if: $isSearch) {
    patients(filter: { name: $words }, first: 10) @include(if: $can_read_patient) { id name { full } dateOfBirth }
  }
}
"""
_OF_PATIENT: Final = f"""
query AccessLogOfPatient($id: ID!, $after: ID, $first: Int!, $can_read_patient: Boolean!) {{
  patient(id: $id) @include(if: $can_read_patient) {{ id name {{ full }} }}
  patientAccess(patientId: $id, after: $after, first: $first) {{ {_RECORD} }}
}}
"""
_OF_PERSON: Final = f"""
query AccessLogOfOne($actorId: ID!, $after: ID, $first: Int!) {{
  auditActor(id: $actorId) {{ id name }}
  accessLog(actorId: $actorId, after: $after, first: $first) {{ {_RECORD} }}
}}
"""


def _search(fields: Fields) -> Variables:
    words = fields.text("q")[:100]
    return {"words": words or None, "isSearch": bool(words)}


def _found(data: Data, fields: Fields) -> Mapping[str, Any]:
    return {
        "path": PATIENTS,
        "words": fields.text("q"),
        "is_search": bool(fields.text("q")),
        "people": [(one, f"{PATIENTS}/{one['id']}") for one in data.get("patients") or ()],
    }


def _of_patient(fields: Fields) -> Variables:
    return {"id": fields.text("patient_id"), "after": fields.optional("after"), "first": ROWS}


def _of_person(fields: Fields) -> Variables:
    return {"actorId": fields.text("user_id"), "after": fields.optional("after"), "first": ROWS}


def _shown(data: Data, fields: Fields) -> Mapping[str, Any]:
    found = data.get("patientAccess") or data.get("accessLog") or []
    return {
        "path": PATIENTS,
        "activity": ACTIVITY,
        "lines": [_line(one) for one in found],
        "is_first": fields.optional("after") is None,
        "following": f"?{urlencode({'after': found[-1]['id']})}" if len(found) == ROWS else None,
    }


def _line(record: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        **record,
        "at_s": seconds(record["at"]),
        "is_whole": record["outcome"] == "success",
        "who": record["actorName"] or record["actorId"],
        "url": f"{PERSON}/{record['actorId']}",
    }


SECTIONS: Final = (
    Section(
        path=PATIENTS,
        tab="activity",
        template="settings_activity_patients.html",
        query=_SEARCH,
        opens=("read:audit",),
        variables=_search,
        values=_found,
    ),
    Section(
        path=f"{PATIENTS}/{{patient_id}}",
        tab="activity",
        template="settings_activity_patient.html",
        query=_OF_PATIENT,
        opens=("read:audit",),
        variables=_of_patient,
        values=_shown,
        required="patientAccess",
    ),
    Section(
        path=f"{PERSON}/{{user_id}}",
        tab="activity",
        template="settings_activity_accesses.html",
        query=_OF_PERSON,
        opens=("read:audit",),
        variables=_of_person,
        values=_shown,
        required="auditActor",
    ),
)
