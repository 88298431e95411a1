"""The facts of a provider as JSON: so they are kept while they are only proposed."""

import datetime
from collections.abc import Mapping
from typing import Any

from rxauth.domain.provider_facts import Facts, HeldLicence, Registration, Verification
from rxauth.policy.licences import Licence, LicenceStatus


def to_json(facts: Facts) -> Mapping[str, Any]:
    """Returns facts as a database column takes them."""
    return {
        "npi": facts.npi,
        "npi_verification": verification_to_json(facts.npi_verification),
        "licences": [
            {
                "state": one.licence.state,
                "number": one.licence.number,
                "status": one.licence.status,
                "expires_on": one.licence.expires_on.isoformat(),
                "verification": verification_to_json(one.verification),
            }
            for one in facts.licences
        ],
        "registrations": [
            {
                "number": one.number,
                "state": one.state,
                "schedules": list(one.schedules),
                "expires_on": one.expires_on.isoformat(),
                "status": one.status,
                "verification": verification_to_json(one.verification),
            }
            for one in facts.registrations
        ],
        "effective_until": facts.effective_until,
    }


def from_json(stored: Mapping[str, Any]) -> Facts:
    """Reads what `to_json` made."""
    return Facts(
        stored["npi"],
        verification_from_json(stored["npi_verification"]),
        tuple(
            HeldLicence(stored_licence(one), verification_from_json(one["verification"])) for one in stored["licences"]
        ),
        tuple(
            Registration(
                one["number"],
                one["state"],
                tuple(one["schedules"]),
                datetime.date.fromisoformat(one["expires_on"]),
                LicenceStatus(one["status"]),
                verification_from_json(one["verification"]),
            )
            for one in stored["registrations"]
        ),
        stored["effective_until"],
    )


def stored_licence(stored: Mapping[str, Any]) -> Licence:
    """Reads a licence from a row, or from JSON."""
    day = datetime.date.fromisoformat(stored["expires_on"])
    return Licence(stored["state"], stored["number"], LicenceStatus(stored["status"]), day)


def stored_registration(stored: Mapping[str, Any]) -> Registration:
    """Reads a registration from a row."""
    schedules, day = tuple(stored["schedules"].split()), datetime.date.fromisoformat(stored["expires_on"])
    status, evidence = LicenceStatus(stored["status"]), verification_from_json(stored)
    return Registration(stored["number"], stored["state"], schedules, day, status, evidence)


def verification_to_json(one: Verification | None) -> Mapping[str, Any] | None:
    """Returns evidence as a database column takes it."""
    if one is None:
        return None
    return {
        "source": one.source,
        "reference": one.reference,
        "checked_at": one.checked_at,
        "checked_by": one.checked_by,
    }


def verification_from_json(stored: Mapping[str, Any] | None) -> Verification | None:
    """Reads evidence from a row, or from JSON; without a source there is none."""
    if stored is None or stored["source"] is None:
        return None
    return Verification(stored["source"], stored["reference"], stored["checked_at"], stored["checked_by"])
