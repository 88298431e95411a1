"""The settings' page of what a SAML provider signs with.

Metadata are read anew: what would change is shown first, and only that is taken.
"""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from rxauth.api.management.callers import TWO_FACTORS
from rxauth.crypto import certificates
from rxauth.domain.connection_settings import SamlSettings
from rxauth.domain.errors import InvalidError
from rxauth.edge.context import Edge
from rxauth.edge.pages import wording
from rxauth.edge.requests import Request
from rxauth.edge.settings import connection_documents as documents
from rxauth.edge.settings import provider_look_ups
from rxauth.edge.settings.connection_new import MANAGE, TAB
from rxauth.edge.settings.connections import ONE_PATH, about, identifier
from rxauth.edge.settings.fields import FieldError, Fields
from rxauth.edge.settings.sections import Act, Data, Section, Variables
from rxauth.federation.saml import provider_settings


async def look(edge: Edge, _request: Request, fields: Fields) -> Mapping[str, Any]:
    """Returns what the metadata say, for the page to compare it with what there is.

    Raises:
        FieldError: there are none, or none that can be used; in an administrator's words.
    """
    found = _read(edge, await provider_look_ups.of_saml(edge, fields))
    signing = [certificates.from_der(base64.b64decode(one)) for one in found.certificates]
    shown = [{"fingerprint": one.fingerprint, "ends_at": one.not_after} for one in signing]
    return {"looked": {"saml": found, "certificates": shown, "digest": _digest(found)}}


async def accepted(edge: Edge, fields: Fields) -> Fields:
    """Returns the fields with the metadata in them, which must be those that were looked at.

    Raises:
        FieldError: they are others by now, or cannot be had any more.
    """
    asked = await provider_look_ups.of_saml(edge, fields)
    if _digest(_read(edge, asked)) != fields.text("looked_at"):
        where = "metadata_url" if fields.text("metadata_url") else "metadata"
        raise FieldError(where, "These are not the metadata that you looked at. Look at them again.")
    return asked


def _read(edge: Edge, fields: Fields) -> SamlSettings:
    try:
        return provider_settings.read(fields.text("metadata"), edge.server.clock)
    except InvalidError as error:
        raise FieldError("metadata", wording.sentence(str(error))) from None


def _digest(found: SamlSettings) -> str:
    return hashlib.sha256(msgspec.json.encode(found, order="sorted")).hexdigest()


def _certificate(fields: Fields) -> Variables:
    return {**identifier(fields), "certificate": fields.text("certificate")}


def _fingerprint(fields: Fields) -> Variables:
    return {**identifier(fields), "fingerprint": fields.text("fingerprint")}


def _metadata(fields: Fields) -> Variables:
    return {**identifier(fields), "input": {"metadata": fields.text("metadata")}}


def _unread(data: Data, fields: Fields) -> Mapping[str, Any]:
    """Returns that no metadata were looked at."""
    return {"looked": None, **about(data, fields)}


PAGE: Final = Section(
    path=f"{ONE_PATH}/certificates",
    tab=TAB,
    template="settings_connection_certificates.html",
    query=documents.ONE,
    opens=MANAGE,
    variables=identifier,
    values=_unread,
    required="connection",
    wanted=TWO_FACTORS,
    acts={
        "add_certificate": Act(documents.ADD_CERTIFICATE, _certificate, "The certificate was added."),
        "remove_certificate": Act(documents.REMOVE_CERTIFICATE, _fingerprint, "The certificate was removed."),
        "saml_metadata": Act(
            documents.CHANGE,
            _metadata,
            "The metadata were taken.",
            rests_on=lambda data: data["connection"]["revision"],
            ready=accepted,
        ),
    },
    runs={"look_at_metadata": look},
)
