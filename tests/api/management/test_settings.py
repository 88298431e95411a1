"""What an organization asks of sign-ins: read, changed, recorded, and by whom; its effects are in flows/."""

from typing import Any

import pytest

from rxauth.policy.roles import Role
from rxauth.storage.tables.people import passkeys, totp_factors
from rxauth.storage.tenancy import insert_row
from tests.api.answers import code, the_error
from tests.api.management.people import Clinic
from tests.live import Live

FIELDS = "secondFactorRequired firstFactors emailDomains sessionIdleSeconds sessionLifetimeSeconds"
COUNTS = "members membersWithoutSecondFactor membersWithoutPasskey"
SETTINGS = f"{{ organizationSettings {{ {FIELDS} version }} }}"
UPDATE = f"""mutation($input: OrganizationSettingsInput!, $version: ID) {{
  updateOrganizationSettings(input: $input, version: $version) {{ {FIELDS} version }}
}}"""
RENAME = """mutation($input: OrganizationInput!, $version: ID) {
  updateOrganization(input: $input, version: $version) { id version }
}"""
ADD_PASSKEY = insert_row(passkeys)
ADD_TOTP = insert_row(totp_factors)
PASSKEY = {
    **dict.fromkeys(("name", "transports"), "a"),
    **dict.fromkeys(("sign_count", "created_at"), 1),
    "public_key": b"",
    "backed_up": False,
    "last_used_at": None,
}
TOTP = {"sealed_secret": None, "sealed_pending": None, "pending_at": 1, "last_step": 0}
NONE = {
    "secondFactorRequired": False,
    "firstFactors": ["PASSWORD", "PASSKEY"],
    "emailDomains": [],
    "sessionIdleSeconds": None,
    "sessionLifetimeSeconds": None,
}
STRICT = {
    "secondFactorRequired": True,
    "firstFactors": ["PASSWORD"],
    "emailDomains": ["alder.example", "birch.example"],
    "sessionIdleSeconds": 900,
    "sessionLifetimeSeconds": 28_800,
}


@pytest.fixture
def clinic(live: Live) -> Clinic:
    """A clinic on each engine."""
    return Clinic(live)


@pytest.fixture
def lone_clinic(sqlite_live: Live) -> Clinic:
    """A clinic on one engine, for what does not depend on it."""
    return Clinic(sqlite_live)


def shown(clinic: Clinic) -> dict[str, Any]:
    """Returns the settings as the administrator sees them, without their version."""
    settings: dict[str, Any] = clinic.live.data(clinic.administrator.token, SETTINGS)["organizationSettings"]
    return {name: value for name, value in settings.items() if name != "version"}


def changed(clinic: Clinic, **changes: Any) -> dict[str, Any]:
    """Has the administrator change settings; returns what is shown then."""
    settings: dict[str, Any] = clinic.live.data(clinic.administrator.token, UPDATE, {"input": changes})[
        "updateOrganizationSettings"
    ]
    return {name: value for name, value in settings.items() if name != "version"}


def test_what_is_named_changes_what_is_not_stays_and_null_takes_away(clinic: Clinic) -> None:
    assert shown(clinic) == NONE
    assert changed(clinic, **STRICT) == STRICT
    assert changed(clinic, emailDomains=[" @Birch.Example "]) == STRICT | {"emailDomains": ["birch.example"]}
    assert changed(clinic) == shown(clinic)
    assert changed(clinic, **dict.fromkeys(STRICT)) == NONE
    assert shown(clinic) == NONE

    first, second, third = clinic.recorded("organization.settings_changed")
    assert first["details"] == {
        "second_factor_required": "1",
        "sole_first_factor": "password",
        "email_domains": "2",
        "session_idle_s": "900",
        "session_lifetime_s": "28800",
    }
    assert second["details"] == {"email_domains": "1"}
    assert third["details"] == {
        "second_factor_required": "0",
        "sole_first_factor": "none",
        "email_domains": "0",
        "session_idle_s": "none",
        "session_lifetime_s": "none",
    }
    assert {one["actorId"] for one in (first, second, third)} == {clinic.administrator.id}
    assert {one["target"] for one in (first, second, third)} == {clinic.holders.organization_id}


REFUSED = [
    ({"firstFactors": []}, "firstFactors"),
    ({"sessionIdleSeconds": 59}, "sessionIdleSeconds"),
    ({"sessionIdleSeconds": 3_601}, "sessionIdleSeconds"),
    ({"sessionIdleSeconds": -1}, "sessionIdleSeconds"),
    ({"sessionLifetimeSeconds": 299}, "sessionLifetimeSeconds"),
    ({"sessionLifetimeSeconds": 86_401}, "sessionLifetimeSeconds"),
    ({"emailDomains": ["alder"]}, "emailDomains"),
    ({"emailDomains": ["ada@alder.example"]}, "emailDomains"),
    ({"emailDomains": ["*.example"]}, "emailDomains"),
    ({"emailDomains": ["<b>.example"]}, "emailDomains"),
    ({"emailDomains": ["alder.example birch.example"]}, "emailDomains"),
    ({"emailDomains": ["x" * 10_000]}, "emailDomains"),
    ({"emailDomains": [f"a{number}.example" for number in range(51)]}, "emailDomains"),
    ({"emailDomains": ["älder.example"]}, "emailDomains"),
]


@pytest.mark.parametrize(("changes", "named"), REFUSED, ids=lambda one: str(one)[:40])
def test_what_nobody_can_set_is_refused_by_name(lone_clinic: Clinic, changes: dict[str, Any], named: str) -> None:
    answer = lone_clinic.live.graphql(
        lone_clinic.administrator.token, UPDATE, {"input": {"secondFactorRequired": True} | changes}
    )
    error = the_error(answer)
    assert (error["extensions"]["code"], error["extensions"]["field"]) == ("BAD_USER_INPUT", named)
    assert len(error["message"]) < 200
    assert shown(lone_clinic) == NONE


WEAKER = [
    {"secondFactorRequired": False},
    {"firstFactors": None},
    {"firstFactors": ["PASSKEY"]},
    {"emailDomains": None},
    {"emailDomains": ["alder.example", "birch.example", "gmail.example"]},
    {"emailDomains": ["gmail.example"]},
    {"sessionIdleSeconds": 901},
    {"sessionIdleSeconds": None},
    {"sessionLifetimeSeconds": None},
]
AS_STRICT = [
    {},
    STRICT,
    {"emailDomains": ["birch.example"]},
    {"sessionIdleSeconds": 60},
    {"sessionLifetimeSeconds": 300},
]


@pytest.mark.parametrize("changes", WEAKER, ids=str)
def test_whoever_asks_for_less_proved_two_factors_lately(lone_clinic: Clinic, changes: dict[str, Any]) -> None:
    changed(lone_clinic, **STRICT)
    lone_clinic.live.clock.advance(301)
    answer = lone_clinic.live.graphql(lone_clinic.administrator.token, UPDATE, {"input": changes})
    assert code(answer) == "INSUFFICIENT_USER_AUTHENTICATION"
    again = lone_clinic.again(lone_clinic.administrator)
    assert lone_clinic.live.data(again.token, SETTINGS)["organizationSettings"]["sessionIdleSeconds"] == 900
    assert lone_clinic.live.data(again.token, UPDATE, {"input": changes})


@pytest.mark.parametrize("changes", AS_STRICT, ids=str)
def test_whoever_asks_for_as_much_or_more_need_not(lone_clinic: Clinic, changes: dict[str, Any]) -> None:
    changed(lone_clinic, **STRICT)
    lone_clinic.live.clock.advance(301)
    assert changed(lone_clinic, **changes)


def test_of_two_who_change_the_same_settings_the_second_is_told(clinic: Clinic) -> None:
    live, bearer = clinic.live, clinic.administrator.token
    version = live.data(bearer, SETTINGS)["organizationSettings"]["version"]
    first = {"input": {"sessionIdleSeconds": 900}, "version": version}
    after = live.data(bearer, UPDATE, first)["updateOrganizationSettings"]["version"]
    assert after != version

    second = {"input": {"sessionLifetimeSeconds": 28_800}, "version": version}
    error = the_error(live.graphql(clinic.staff.token, UPDATE, second))
    assert (error["extensions"]["code"], error["extensions"]["reason"]) == ("CONFLICT", "changed_meanwhile")
    assert shown(clinic) == NONE | {"sessionIdleSeconds": 900}
    assert live.data(clinic.staff.token, UPDATE, second | {"version": after})
    assert shown(clinic) == NONE | {"sessionIdleSeconds": 900, "sessionLifetimeSeconds": 28_800}


def test_of_two_who_change_the_contact_data_the_second_is_told(clinic: Clinic) -> None:
    live = clinic.live
    version = live.data(clinic.staff.token, "{ organization { version } }")["organization"]["version"]
    live.data(clinic.administrator.token, RENAME, {"input": {"name": "Alder One"}, "version": version})

    late = {"input": {"name": "Alder Two"}, "version": version}
    error = the_error(live.graphql(clinic.staff.token, RENAME, late))
    assert (error["extensions"]["code"], error["extensions"]["reason"]) == ("CONFLICT", "changed_meanwhile")
    assert live.data(clinic.staff.token, "{ organization { name } }")["organization"]["name"] == "Alder One"
    assert len(clinic.recorded("organization.changed")) == 1


def test_what_changes_nothing_leaves_no_record(lone_clinic: Clinic) -> None:
    changed(lone_clinic, **NONE)
    lone_clinic.live.data(lone_clinic.staff.token, RENAME, {"input": {"name": "Alder Clinic", "fax": None}})
    assert lone_clinic.recorded("organization.settings_changed", "organization.changed") == []


@pytest.mark.parametrize("member", ["id", "organizationId", "soleFirstFactor", "version", "soloAuthority"])
def test_a_member_that_nobody_sets_so_is_refused(lone_clinic: Clinic, member: str) -> None:
    """M-12."""
    answer = lone_clinic.live.graphql(lone_clinic.administrator.token, UPDATE, {"input": {member: "x"}})
    assert member in the_error(answer)["message"]


def test_whoever_may_not_manage_it_changes_nothing_and_nobody_changes_another_s(lone_clinic: Clinic) -> None:
    birch = lone_clinic.live.world.birch.organization_id
    stranger = lone_clinic.somebody(Role.ADMINISTRATOR, organization_id=birch)
    for who in (lone_clinic.doctor.token, lone_clinic.somebody(Role.DEVELOPER).token, lone_clinic.machine()):
        answer = lone_clinic.live.graphql(who, UPDATE, {"input": STRICT})
        assert the_error(answer)["extensions"]["requiredPermission"] == "manage:organization"
    assert lone_clinic.live.data(stranger.token, UPDATE, {"input": STRICT})
    assert shown(lone_clinic) == NONE


def test_it_says_how_many_members_would_have_to_set_something_up(clinic: Clinic) -> None:
    document = f"{{ organizationSettings {{ {COUNTS} longestSessionIdleSeconds longestSessionLifetimeSeconds }} }}"
    limits = {"longestSessionIdleSeconds": 3_600, "longestSessionLifetimeSeconds": 86_400}

    def counted(members: int, without_second: int, without_passkey: int) -> None:
        expected = {
            "members": members,
            "membersWithoutSecondFactor": without_second,
            "membersWithoutPasskey": without_passkey,
        }
        assert clinic.live.data(clinic.doctor.token, document)["organizationSettings"] == expected | limits

    counted(3, 3, 3)
    for identifier in ("first", "second"):
        clinic.holders.write(lambda tx, one=identifier: tx.run(ADD_PASSKEY, **PASSKEY, id=one, user_id=clinic.staff.id))
    counted(3, 2, 2)
    clinic.holders.write(lambda tx: tx.run(ADD_TOTP, **TOTP, user_id=clinic.doctor.id, confirmed_at=None))
    clinic.holders.write(lambda tx: tx.run(ADD_TOTP, **TOTP, user_id=clinic.staff.id, confirmed_at=1))
    counted(3, 2, 2)  # begun is not there yet, and whoever has both counts once
    clinic.holders.write(lambda tx: tx.run(ADD_TOTP, **TOTP, user_id=clinic.administrator.id, confirmed_at=1))
    counted(3, 1, 2)
    clinic.somebody(Role.STAFF, organization_id=clinic.live.world.birch.organization_id)
    counted(3, 1, 2)
