"""Samples of the organization's page."""

from typing import Final

from tests.edge.page_sample import Values, settings

_ORGANIZATION: Final[Values] = {
    "organization": {
        "id": "org_01J9ZK3V6T8Q",
        "name": "Alder Clinic",
        "NPI": "1245319599",
        "email": "office@alder.example",
        "phone": "+17185550100",
        "fax": None,
        "address": None,
    }
}
SAMPLES: Final = (
    settings("organization", "organization", "organization", _ORGANIZATION),
    settings(
        "organization-wrong",
        "organization",
        "organization",
        _ORGANIZATION,
        error="This is no NPI: its last digit does not belong to the others.",
        error_field="npi",
    ),
    settings("organization-read", "organization", "organization", _ORGANIZATION, can=lambda _permission: False),
)
