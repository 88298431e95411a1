"""Samples of the organization's pages."""

from typing import Any, Final

from rxauth.edge.settings import organization, organization_branding
from rxauth.edge.settings.fields import Fields
from tests.edge.page_sample import Sample, Values, settings

_ORGANIZATION: Final[Values] = {
    "id": "org_01J9ZK3V6T8Q",
    "name": "Alder Clinic",
    "NPI": "1245319599",
    "email": "office@alder.example",
    "phone": "+17185550100",
    "fax": None,
    "address": {
        "street1": "1 Main Street",
        "street2": "Suite 4",
        "city": "Albany",
        "state": "NY",
        "postalCode": "12207",
        "country": "US",
    },
}
_USUAL: Final[Values] = {
    "secondFactorRequired": False,
    "firstFactors": ["PASSWORD", "PASSKEY"],
    "emailDomains": [],
    "sessionIdleSeconds": None,
    "sessionLifetimeSeconds": None,
    "longestSessionIdleSeconds": 3_600,
    "longestSessionLifetimeSeconds": 86_400,
    "members": 12,
    "membersWithoutSecondFactor": 3,
    "membersWithoutPasskey": 7,
    "accentColor": None,
    "accentOnLight": False,
    "accentOnDark": False,
    "logo": None,
}
_STRICT: Final[Values] = _USUAL | {
    "secondFactorRequired": True,
    "firstFactors": ["PASSKEY"],
    "emailDomains": ["alder.example", "birch.example"],
    "sessionIdleSeconds": 900,
    "sessionLifetimeSeconds": 28_800,
    "membersWithoutSecondFactor": 0,
    "accentColor": "#7c1fa0",
    "logo": {"path": "/branding/org_01J9ZK3V6T8Q/0123456789abcdef.png"},
}
_RULES: Final[Values] = {"solo": False, "homeState": None, "signingMaxAgeSeconds": None}
_SOLO: Final[Values] = {"solo": True, "homeState": "NY", "signingMaxAgeSeconds": 600}


def _whole(name: str, one: Values, rules: Values, providers: Values, **changes: Any) -> Sample:
    data = {"organization": one, "organizationSettings": rules, "providerRules": providers}
    shown = organization.SECTIONS[0].values(data, Fields())
    return settings(name, "organization", "organization", data, **shown, **changes)


def _contact(name: str, one: Values, **changes: Any) -> Sample:
    data = {"organization": one}
    return _page(name, data, **organization.SECTIONS[1].values(data, Fields()), **changes)


def _page(name: str, data: Values, **changes: Any) -> Sample:
    template = f"organization_{name.partition('-')[0]}"
    return settings(f"organization-{name.replace('_', '-')}", template, "organization", data, **changes)


def _branding(name: str, rules: Values, **changes: Any) -> Sample:
    data = {"organization": _ORGANIZATION, "organizationSettings": rules}
    return _page(name, data, looks=organization_branding.looks(rules["accentColor"]), **changes)


_NOTHING = _ORGANIZATION | dict.fromkeys(("NPI", "email", "phone", "fax", "address"))
_ON: Final[Values] = {"organizationSettings": _STRICT}
_OFF: Final[Values] = {"organizationSettings": _USUAL}
_FORCED: Final[Values] = {"organizationSettings": _STRICT | {"firstFactors": ["CONNECTION"]}}
_RUTH: Final[Values] = {
    "userId": "usr_1",
    "name": "Ruth Alder",
    "email": "ruth@alder.example",
    "isGiven": True,
    "hasSecondFactor": True,
}
_NOAH: Final[Values] = {
    "userId": "usr_2",
    "name": "Noah Birch",
    "email": "noah@alder.example",
    "isGiven": False,
    "hasSecondFactor": False,
}
_EMERGENCY: Final[Values] = {"organizationSettings": {"emergencyAccess": [_RUTH, _NOAH]}}
_TOO_MANY = "At most 3 people have emergency access."
_ALL: Final[Values] = {"organizationSettings": _USUAL | {"membersWithoutSecondFactor": 0}}
_MINUTES: Final[Values] = {"idle": "15", "lifetime": "480", "longest_idle": 60, "longest_lifetime": 1_440}
_STATES: Final[Values] = {"states": [("", "Nobody says"), "NJ", "NY"], "signing_age": "10"}
_WRONG_NPI = "This is no NPI: its last digit does not belong to the others."
_WRONG_TIME = "Write 1 to 60 minutes: this installation allows no more."
SAMPLES: Final = (
    _whole("organization", _ORGANIZATION, _STRICT, _SOLO),
    _whole("organization-new", _NOTHING, _USUAL, _RULES),
    _contact("contact", _ORGANIZATION),
    _contact("contact-wrong", _ORGANIZATION, error=_WRONG_NPI, error_field="npi"),
    _whole("organization-read", _ORGANIZATION, _STRICT, _SOLO, can=lambda _permission: False),
    _page("sign_in", _OFF, first_factor="any", lacks=["verify an e-mail domain"]),
    _page("sign_in-strict", _ON, first_factor="passkey", lacks=[]),
    _page("sign_in-forced", _FORCED, first_factor="connection", lacks=[]),
    _page("emergency", _EMERGENCY),
    _page("emergency-wrong", _EMERGENCY, error=_TOO_MANY, error_field="people"),
    _page("second_factors", _OFF),
    _page("second_factors-all", _ALL),
    _page("second_factors-required", _ON),
    _page("sessions", _ON, **_MINUTES),
    _page("sessions-wrong", _ON, **_MINUTES, error=_WRONG_TIME, error_field="session_idle_seconds"),
    _page("provider_rules", {"providerRules": _SOLO}, **_STATES),
    _branding("branding", _USUAL),
    _branding("branding-own", _STRICT),
    _branding("branding-wrong", _STRICT, error="The file is no PNG, JPEG or WebP picture.", error_field="logo"),
)
