"""The settings' page of emergency access: who may go past the identity provider that all others must use."""

from typing import Final

from rxauth.api.management.callers import TWO_FACTORS
from rxauth.edge.settings.organization import PATH, nothing_else
from rxauth.edge.settings.sections import Act, Section

_QUERY: Final = """
query EmergencyAccess { organizationSettings { emergencyAccess { userId name email isGiven hasSecondFactor } } }
"""
_GIVE: Final = """
mutation SetEmergencyAccess($userIds: [ID!]!) { setEmergencyAccess(userIds: $userIds) { version } }
"""
SECTIONS: Final = (
    Section(
        path=f"{PATH}/emergency-access",
        tab="organization",
        template="settings_organization_emergency.html",
        query=_QUERY,
        opens=("manage:connection",),
        required="organizationSettings",
        wanted=TWO_FACTORS,
        acts={
            "emergency_access": Act(
                _GIVE,
                lambda fields: {"userIds": fields.all("people")},
                notice="Emergency access was changed. It holds from now on.",
                leads_to=nothing_else,
                places={"userIds": "people"},
                rests_on=lambda data: data["organizationSettings"],
            )
        },
    ),
)
