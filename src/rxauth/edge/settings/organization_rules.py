"""The pages that change how an organization's people sign in, and what holds for its providers."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from rxauth.api.management.callers import TWO_FACTORS
from rxauth.edge.settings.fields import FieldError, Fields
from rxauth.edge.settings.organization import LACKING, MANAGE, PATH, SETTINGS, nothing_else, settings_version
from rxauth.edge.settings.sections import Act, Data, Section, Variables
from rxauth.policy.licences import STATES

_QUERY: Final = f"query OrganizationSettings {{ {SETTINGS} }}"
_COUNTED: Final = f"query OrganizationSettings {{ {SETTINGS} {LACKING} }}"
_SIGN_IN: Final = f"""
query SignInRules($can_read_connection: Boolean!) {{
  {SETTINGS} {LACKING}
  lacks: organizationSettings {{ singleSignOnLacks @include(if: $can_read_connection) }}
}}
"""
_UPDATE: Final = """
mutation UpdateOrganizationSettings($input: OrganizationSettingsInput!) {
  updateOrganizationSettings(input: $input) { version }
}
"""
_PROVIDER_RULES: Final = "query ProviderRules { providerRules { solo homeState signingMaxAgeSeconds } }"
_SET_PROVIDER_RULES: Final = """
mutation SetProviderRules($solo: Boolean!, $homeState: String, $signingMaxAgeSeconds: Int) {
  setProviderRules(solo: $solo, homeState: $homeState, signingMaxAgeSeconds: $signingMaxAgeSeconds) { solo }
}
"""
_MINUTE_S: Final = 60
# How a sign-in may begin, by the choice that says so.
FIRST_FACTORS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "any": ("PASSWORD", "PASSKEY"),
        "passkey": ("PASSKEY",),
        "password": ("PASSWORD",),
        "connection": ("CONNECTION",),
    }
)


def first_factor(data: Data) -> str:
    """Returns the choice that stands for how sign-ins may begin."""
    allowed = set(data["organizationSettings"]["firstFactors"])
    return next(name for name, factors in FIRST_FACTORS.items() if set(factors) == allowed)


def _sign_in(fields: Fields) -> Variables:
    chosen = FIRST_FACTORS.get(fields.text("first_factors"))
    if chosen is None:
        raise FieldError("first_factors", "Choose one of these ways.")
    return {"input": {"firstFactors": chosen, "emailDomains": fields.lines("email_domains")}}


def _second_factor(required: bool) -> Any:
    return lambda _fields: {"input": {"secondFactorRequired": required}}


def _sessions(fields: Fields) -> Variables:
    """Returns the times that were changed, in seconds; one that is no whole minute is not made one by looking at it."""
    names = {"session_idle_seconds": "sessionIdleSeconds", "session_lifetime_seconds": "sessionLifetimeSeconds"}
    changed = {}
    for name, sent in names.items():
        minutes = fields.number(name)
        if fields.text(name) != fields.text(f"was_{name}"):
            changed[sent] = None if minutes is None else minutes * _MINUTE_S
    return {"input": changed}


def _provider_rules(fields: Fields) -> Variables:
    minutes = fields.number("signing_max_age_seconds")
    age_s = None if minutes is None else minutes * _MINUTE_S
    return {
        "solo": fields.is_ticked("solo"),
        "homeState": fields.optional("home_state"),
        "signingMaxAgeSeconds": age_s,
    }


def _minutes(seconds: int | None) -> str:
    return "" if seconds is None else str(seconds // _MINUTE_S)


def _session_values(data: Data, _fields: Fields) -> Mapping[str, Any]:
    now = data["organizationSettings"]
    return {
        "idle": _minutes(now["sessionIdleSeconds"]),
        "lifetime": _minutes(now["sessionLifetimeSeconds"]),
        "longest_idle": now["longestSessionIdleSeconds"] // _MINUTE_S,
        "longest_lifetime": now["longestSessionLifetimeSeconds"] // _MINUTE_S,
    }


def _section(name: str, template: str, acts: Mapping[str, Act], **more: Any) -> Section:
    """Returns a page that changes something, for who proved two factors lately: whoever loses that in the middle of a
    form would lose what was typed, too."""
    return Section(
        path=f"{PATH}/{name}",
        tab="organization",
        template=f"settings_organization_{template}.html",
        query=more.pop("query", _QUERY),
        opens=(MANAGE,),
        required=more.pop("required", "organizationSettings"),
        wanted=TWO_FACTORS,
        acts=acts,
        **more,
    )


def _act(variables: Any, notice: str) -> Act:
    return Act(_UPDATE, variables, notice=notice, leads_to=nothing_else, rests_on=settings_version)


SECTIONS: Final = (
    _section(
        "sign-in",
        "sign_in",
        {"sign_in_rules": _act(_sign_in, "The sign-in rules were changed. They hold from now on.")},
        query=_SIGN_IN,
        values=lambda data, _fields: {
            "first_factor": first_factor(data),
            "lacks": data["lacks"].get("singleSignOnLacks") or [],
        },
    ),
    _section(
        "second-factors",
        "second_factors",
        {
            "second_factor_on": _act(_second_factor(required=True), "A second factor is required of everybody now."),
            "second_factor_off": _act(_second_factor(required=False), "A second factor is no longer required."),
        },
        query=_COUNTED,
    ),
    _section(
        "sessions",
        "sessions",
        {"session_limits": _act(_sessions, "The session limits were changed. They hold from now on.")},
        values=_session_values,
    ),
    _section(
        "provider-rules",
        "provider_rules",
        {
            "provider_rules": Act(
                _SET_PROVIDER_RULES,
                _provider_rules,
                notice="The rules for providers were changed.",
                leads_to=nothing_else,
                rests_on=lambda data: data["providerRules"],
            )
        },
        query=_PROVIDER_RULES,
        required="providerRules",
        values=lambda data, _fields: {
            "states": [("", "Nobody says"), *sorted(STATES)],
            "signing_age": _minutes(data["providerRules"]["signingMaxAgeSeconds"]),
        },
    ),
)
