"""The settings' pages of the certificate with which this server signs to a SAML provider, and of its change."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from rxauth.api.management.callers import TWO_FACTORS
from rxauth.domain.saml_keys import KeyState
from rxauth.edge.context import Edge
from rxauth.edge.requests import Request
from rxauth.edge.responses import Answer
from rxauth.edge.settings import connection_documents as documents
from rxauth.edge.settings.connection_new import MANAGE, PATH, TAB
from rxauth.edge.settings.connection_trial import leave
from rxauth.edge.settings.connections import ONE_PATH, about, identifier
from rxauth.edge.settings.fields import Fields
from rxauth.edge.settings.sections import Act, Data, Section
from rxauth.edge.visits import Visit

OWN_PATH: Final = f"{ONE_PATH}/own-certificate"


def _to_the_certificates(_data: Data, fields: Fields) -> str:
    return f"{PATH}/{fields.text('connection_id')}/own-certificate"


def _states(data: Data) -> Any:
    return [(one["state"], one["fingerprint"]) for one in data["connection"]["ownCertificates"]]


def _by_state(data: Data, fields: Fields) -> Mapping[str, Any]:
    there = {one["state"]: one for one in (data.get("connection") or {}).get("ownCertificates", [])}
    return {"by_state": {state: there.get(state.upper()) for state in KeyState}, **about(data, fields)}


async def _try_next(edge: Edge, _request: Request, visitor: Visit, fields: Fields) -> Answer:
    return await leave(edge, visitor, fields, signs_with_next=True)


_section: Final = partial(
    Section,
    tab=TAB,
    query=documents.OWN,
    opens=MANAGE,
    variables=identifier,
    values=_by_state,
    required="connection",
    wanted=TWO_FACTORS,
)
SECTIONS: Final = (
    _section(
        path=OWN_PATH,
        template="settings_connection_own.html",
        acts={
            "publish_own": Act(
                documents.PUBLISH,
                identifier,
                "The certificate is in the metadata. Now give it to the provider.",
                rests_on=_states,
            ),
            "withdraw_own": Act(
                documents.WITHDRAW, identifier, "The new certificate was taken back.", rests_on=_states
            ),
        },
        leaves={"try_next": _try_next},
    ),
    _section(
        path=f"{OWN_PATH}/use",
        template="settings_connection_own_use.html",
        acts={
            "use_own": Act(
                documents.USE,
                identifier,
                "This server signs with the new certificate. Try the connection now.",
                leads_to=_to_the_certificates,
                rests_on=_states,
            )
        },
    ),
)
