"""What an organization rules for its providers: read, set, and by whom."""

from typing import Any

import pytest

from rxauth.policy.roles import Role
from tests.api.answers import code, the_error
from tests.api.management.people import Clinic
from tests.live import Live

RULES = "{ solo homeState signingMaxAgeSeconds }"
SET = f"""mutation($solo: Boolean!, $homeState: String, $signingMaxAgeSeconds: Int) {{
  setProviderRules(solo: $solo, homeState: $homeState, signingMaxAgeSeconds: $signingMaxAgeSeconds) {RULES}
}}"""
NONE = {"solo": False, "homeState": None, "signingMaxAgeSeconds": None}
ALL = {"solo": True, "homeState": "NY", "signingMaxAgeSeconds": 600}


@pytest.fixture
def clinic(live: Live) -> Clinic:
    """A clinic on each engine."""
    return Clinic(live)


@pytest.fixture
def lone_clinic(sqlite_live: Live) -> Clinic:
    """A clinic on one engine, for what does not depend on it."""
    return Clinic(sqlite_live)


def rules(clinic: Clinic) -> Any:
    """Returns the rules that hold."""
    return clinic.live.data(clinic.administrator.token, f"{{ providerRules {RULES} }}")["providerRules"]


def test_rules_are_set_all_at_once_and_recorded(clinic: Clinic) -> None:
    assert rules(clinic) == NONE

    assert clinic.live.data(clinic.administrator.token, SET, ALL)["setProviderRules"] == ALL
    assert rules(clinic) == ALL
    assert clinic.live.data(clinic.staff.token, SET, {"solo": False})["setProviderRules"] == NONE
    assert rules(clinic) == NONE

    first, second = clinic.recorded("organization.provider_rules_set")
    assert first["details"] == {"solo": "1", "home_state": "NY", "signing_max_age_s": "600"}
    assert second["details"] == {"solo": "0"}
    assert [one["actorId"] for one in (first, second)] == [clinic.administrator.id, clinic.staff.id]
    assert {one["target"] for one in (first, second)} == {clinic.holders.organization_id}


def test_another_organizations_rules_stay_as_they_are(lone_clinic: Clinic) -> None:
    birch = lone_clinic.live.world.birch.organization_id
    stranger = lone_clinic.somebody(Role.ADMINISTRATOR, organization_id=birch)
    assert lone_clinic.live.data(stranger.token, SET, ALL)["setProviderRules"] == ALL
    assert rules(lone_clinic) == NONE


@pytest.mark.parametrize(
    "changes",
    [{"homeState": "ZZ"}, {"homeState": "ny"}, {"signingMaxAgeSeconds": 0}, {"signingMaxAgeSeconds": 86_401}],
    ids=["no state", "small letters", "no time", "too long"],
)
def test_a_rule_that_there_is_not_is_refused(lone_clinic: Clinic, changes: dict[str, Any]) -> None:
    answer = lone_clinic.live.graphql(lone_clinic.administrator.token, SET, ALL | changes)
    assert code(answer) == "BAD_USER_INPUT"
    assert rules(lone_clinic) == NONE


def test_whoever_sets_rules_proved_two_factors_a_moment_ago(lone_clinic: Clinic) -> None:
    weak = lone_clinic.again(lone_clinic.administrator, "pwd")
    assert code(lone_clinic.live.graphql(weak.token, SET, ALL)) == "INSUFFICIENT_USER_AUTHENTICATION"
    lone_clinic.live.clock.advance(301)
    old = lone_clinic.live.graphql(lone_clinic.administrator.token, SET, ALL)
    assert code(old) == "INSUFFICIENT_USER_AUTHENTICATION"
    assert rules(lone_clinic) == NONE


def test_who_lacks_the_permission_sees_or_sets_nothing(lone_clinic: Clinic) -> None:
    machine = lone_clinic.live.token(lone_clinic.live.world.alder)
    for bearer in (machine, lone_clinic.doctor.token):
        error = the_error(lone_clinic.live.graphql(bearer, SET, ALL))
        assert error["extensions"]["requiredPermission"] == "manage:organization"
    error = the_error(lone_clinic.live.graphql(machine, f"{{ providerRules {RULES} }}"))
    assert error["extensions"]["requiredPermission"] == "read:organization"
