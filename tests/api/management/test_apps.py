"""Apps over the API: what people sign in with, the URLs that they come back to, and who may change them."""

from typing import Any, Final
from urllib.parse import urlencode

import httpx
import pytest

from rxauth.domain import apps
from rxauth.domain.apps import APPS_LIMIT, Wanted
from rxauth.domain.client_urls import URLS_LIMIT
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from tests.api.answers import code, the_error
from tests.api.management.people import Clinic
from tests.live import Live
from tests.token_holders import App, refused
from tests.world import AUDIENCE

FIELDS = """
fragment AppFields on App {
  id name appType redirectUrls logoutUrls webOrigins backchannelLogoutUri createdAt thirdParty servesEverybody
  peopleLately revision secret secrets { id createdAt expiresAt }
}"""
APPS = f"{FIELDS} query {{ apps {{ ...AppFields }} }}"
ONE = f"{FIELDS} query($id: ID!) {{ app(id: $id) {{ ...AppFields }} }}"
CREATE = f"{FIELDS} mutation($input: CreateAppInput!) {{ createApp(input: $input) {{ ...AppFields }} }}"
UPDATE = (
    f"{FIELDS} mutation($id: ID!, $input: UpdateAppInput!) {{ updateApp(id: $id, input: $input) {{ ...AppFields }} }}"
)
REMOVE = "mutation($id: ID!) { removeApp(id: $id) }"
ROTATE = "mutation($id: ID!) { rotateSecret(id: $id) { secret } }"
REVOKE = f"""{FIELDS} mutation($id: ID!, $secretId: ID!) {{
  revokeAppSecret(id: $id, secretId: $secretId) {{ ...AppFields }}
}}"""
CALLBACK = "https://app.example.com/callback"
GIVEN: Final[dict[str, Any]] = {"name": "Alder Charts", "appType": "spa", "redirectUrls": [CALLBACK]}
HOSTILE = [
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "http://app.example.com/",
    "http://169.254.169.254/",
    "http://[::ffff:7f00:1]/",
    "http://[fe80::1%25eth0]/",
    "https://app.example.com/#f",
    "https://app.example.com/#",
    "https://user:pass@app.example.com/",
    "https://app.example.com@evil.example/",
    "https://*.example.com/",
    "https://app.example.com/*",
    "https://app.example.com/../x",
    "https://App.example.com/",
    "https:///path",
    "https://app.example.com:99999/",
    "https://app.example.com:0/",
    "https://app.example.com/ space",
    "https://evil.example\\@app.example.com/",
    "//evil.example",
    "https://\N{CYRILLIC SMALL LETTER A}pp.example.com/",
    "com.example.app:/callback",
    "",
    "https://app.example.com/" + "a" * 10_000,
]


@pytest.fixture
def clinic(live: Live) -> Clinic:
    """A clinic on each engine."""
    return Clinic(live)


@pytest.fixture
def lone_clinic(sqlite_live: Live) -> Clinic:
    """A clinic on one engine, for what does not depend on it."""
    return Clinic(sqlite_live)


def create(clinic: Clinic, token: str | None = None, **changes: Any) -> Any:
    """Makes an app that is acceptable."""
    return clinic.live.data(token or clinic.administrator.token, CREATE, {"input": GIVEN | changes})["createApp"]


def update(clinic: Clinic, app_id: str, **changes: Any) -> Any:
    """Changes an app."""
    return clinic.live.data(clinic.administrator.token, UPDATE, {"id": app_id, "input": changes})["updateApp"]


def shown(clinic: Clinic) -> Any:
    """Returns the apps that are the organization's own, without the one that everybody's tests sign in with."""
    found = clinic.live.data(clinic.administrator.token, APPS)["apps"]
    return [one for one in found if one["id"] != clinic.holders.spa.client_id]


def authorize(live: Live, client_id: str, redirect_uri: str) -> httpx.Response:
    """Begins to sign in."""
    asked = {
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "response_type": "code",
        "scope": "openid",
        "audience": AUDIENCE,
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }
    return live.http.get(f"/authorize?{urlencode(asked)}")


def test_an_app_is_made_listed_changed_and_removed_and_each_act_is_recorded(clinic: Clinic) -> None:
    developer = clinic.somebody(Role.DEVELOPER)
    made = create(
        clinic,
        developer.token,
        redirectUrls=["https://b.example.com/", CALLBACK],
        logoutUrls=["https://b.example.com"],
        webOrigins=["https://pages.example.com/", "https://app.example.com"],
        backchannelLogoutUri="https://app.example.com/hear",
    )
    assert made == {
        "id": made["id"],
        "name": "Alder Charts",
        "appType": "spa",
        "redirectUrls": [CALLBACK, "https://b.example.com"],
        "logoutUrls": ["https://b.example.com"],
        "webOrigins": ["https://pages.example.com"],
        "backchannelLogoutUri": "https://app.example.com/hear",
        "createdAt": "2026-11-23T12:00:00.000Z",
        "thirdParty": False,
        "servesEverybody": False,
        "peopleLately": 0,
        "revision": made["revision"],
        "secret": None,
        "secrets": [],
    }
    assert shown(clinic) == [made]
    assert clinic.live.data(developer.token, ONE, {"id": made["id"]})["app"] == made

    changed = update(clinic, made["id"], name=" Charts ", redirectUrls=["https://c.example.com/x"], webOrigins=None)
    assert changed == made | {
        "name": "Charts",
        "redirectUrls": ["https://c.example.com/x"],
        "webOrigins": [],
        "revision": changed["revision"],
    }
    assert changed["revision"] != made["revision"]
    assert shown(clinic) == [changed]

    assert clinic.live.data(developer.token, REMOVE, {"id": made["id"]}) == {"removeApp": True}
    assert shown(clinic) == []
    assert clinic.live.data(developer.token, ONE, {"id": made["id"]}) == {"app": None}
    for document, values in ((REMOVE, {}), (UPDATE, {"input": {"name": "x"}})):
        assert code(clinic.live.graphql(developer.token, document, {"id": made["id"]} | values)) == "NOT_FOUND"
    records = clinic.recorded("client.created", "client.changed", "client.disabled")
    assert [(one["event"], one["actorId"]) for one in records] == [
        ("client.created", developer.id),
        ("client.changed", clinic.administrator.id),
        ("client.disabled", developer.id),
    ]
    assert {one["target"] for one in records} == {made["id"]}
    assert records[1]["details"] == {"name": "1", "redirect_urls": "1", "web_origins": "1"}
    assert "example.com" not in str(records)


def test_a_url_holds_from_the_moment_it_is_registered_until_it_is_taken_away(clinic: Clinic) -> None:
    live, origin = clinic.live, "https://app.example.com"
    app = create(clinic, redirectUrls=[origin])
    assert app["redirectUrls"] == [origin]
    for form in ("", "/", "?photon=true", "/?photon=true"):
        assert authorize(live, app["id"], origin + form).status_code == 303, form
    assert authorize(live, app["id"], CALLBACK).status_code == 400
    update(clinic, app["id"], redirectUrls=[CALLBACK])
    assert [authorize(live, app["id"], one).status_code for one in (origin, CALLBACK)] == [400, 303]
    clinic.live.data(clinic.administrator.token, REMOVE, {"id": app["id"]})
    gone = authorize(live, app["id"], CALLBACK)
    assert (gone.status_code, "location" in gone.headers) == (400, False)


def test_pages_of_a_web_origin_may_read_the_answer_and_no_others(lone_clinic: Clinic) -> None:
    app = create(lone_clinic, webOrigins=["https://pages.example.com"])
    body = {"grant_type": "authorization_code", "client_id": app["id"], "code": "x", "code_verifier": "x" * 43}

    def may_read(origin: str) -> bool:
        answer = lone_clinic.live.http.post("/oauth/token", data=body, headers={"origin": origin})
        return bool(answer.headers.get("access-control-allow-origin") == origin)

    assert [may_read(f"https://{one}.example.com") for one in ("pages", "app", "evil")] == [True, True, False]
    update(lone_clinic, app["id"], webOrigins=[])
    assert not may_read("https://pages.example.com")


def test_what_a_removed_app_holds_is_refused_at_once(clinic: Clinic) -> None:
    live, app = clinic.live, App(create(clinic, redirectUrls=["http://localhost:3000/callback"])["id"])
    held = clinic.holders.tokens(app=app)
    waiting = clinic.holders.code(clinic.holders.session(clinic.holders.person())[0], app)
    live.clock.advance(31 * 86_400)
    assert live.data(clinic.again(clinic.administrator).token, ONE, {"id": app.client_id})["app"]["peopleLately"] == 0
    live.clock.advance(-31 * 86_400)
    assert live.data(clinic.administrator.token, ONE, {"id": app.client_id})["app"]["peopleLately"] == 1
    assert live.graphql(held["access_token"], "{ __typename }").status_code == 200

    live.data(clinic.administrator.token, REMOVE, {"id": app.client_id})

    assert live.graphql(held["access_token"], "{ __typename }").status_code == 401
    refused(clinic.holders.refresh(held["refresh_token"], app), "invalid_client", 401)
    refused(clinic.holders.post(waiting.request()), "invalid_client", 401)


def test_only_an_app_on_a_server_has_a_secret_which_is_shown_once(lone_clinic: Clinic) -> None:
    live, token = lone_clinic.live, lone_clinic.administrator.token
    web = create(lone_clinic, appType="regular_web", redirectUrls=["http://localhost:3000/callback"])
    assert web["secret"].startswith("rxs_")
    assert all(one["secret"] is None for one in shown(lone_clinic))
    assert lone_clinic.holders.tokens(app=App(web["id"], web["secret"]))
    assert live.data(token, ROTATE, {"id": web["id"]})["rotateSecret"]["secret"] != web["secret"]
    assert web["secret"] not in str(lone_clinic.recorded("client.created", "secret.created"))
    for kind in ("spa", "native"):
        app = create(lone_clinic, appType=kind)
        assert app["secret"] is None
        assert code(live.graphql(token, ROTATE, {"id": app["id"]})) == "BAD_USER_INPUT"


def test_a_secret_of_an_app_is_ended_at_once(clinic: Clinic) -> None:
    live, token = clinic.live, clinic.administrator.token
    web = create(clinic, appType="regular_web", redirectUrls=["http://localhost:3000/callback"])
    live.clock.advance(1)
    new = live.data(token, ROTATE, {"id": web["id"]})["rotateSecret"]["secret"]
    old_one, new_one = live.data(token, ONE, {"id": web["id"]})["app"]["secrets"]
    assert (old_one["expiresAt"], new_one["expiresAt"]) == ("2026-11-24T12:00:01.000Z", None)
    assert [shown_app["secrets"] for shown_app in shown(clinic)] == [[old_one, new_one]]

    revoked = live.data(token, REVOKE, {"id": web["id"], "secretId": old_one["id"]})["revokeAppSecret"]

    assert revoked["secrets"] == [new_one]
    assert clinic.holders.tokens(app=App(web["id"], new))
    waiting = clinic.holders.code(clinic.holders.session(clinic.holders.person())[0], App(web["id"], web["secret"]))
    refused(clinic.holders.post(waiting.request()), "invalid_client", 401)
    for app_id, secret_id, field in (
        (web["id"], old_one["id"], "secretId"),
        (web["id"], live.world.alder.secret_id, "secretId"),
        (live.world.alder.client_id, live.world.alder.secret_id, "id"),
        (live.world.birch.client_id, live.world.birch.secret_id, "id"),
    ):
        answer = live.graphql(token, REVOKE, {"id": app_id, "secretId": secret_id})
        assert the_error(answer)["extensions"] == {"code": "NOT_FOUND", "field": field}
    assert live.exchange(live.world.alder).status_code == live.exchange(live.world.birch).status_code == 200
    [record] = clinic.recorded("secret.revoked")
    assert (record["target"], record["actorId"]) == (old_one["id"], clinic.administrator.id)


def test_an_app_that_is_sent_twice_is_made_once(lone_clinic: Clinic) -> None:
    """M-20: also where the answer had a secret, which nobody is told again."""
    live, token = lone_clinic.live, lone_clinic.administrator.token
    sent = {"Idempotency-Key": "the-form-that-was-sent-twice"}
    first, second = (live.graphql(token, CREATE, {"input": GIVEN | {"appType": "regular_web"}}, **sent) for _ in "ab")
    secret = first.json()["data"]["createApp"]["secret"]
    assert the_error(second)["extensions"] == {"code": "CONFLICT", "reason": "answer_not_kept"}
    assert secret not in second.text
    assert len(shown(lone_clinic)) == 1


def test_a_stale_form_changes_nothing(clinic: Clinic) -> None:
    token = clinic.administrator.token
    app = create(clinic)
    now = update(clinic, app["id"], name="First", revision=app["revision"])

    answer = clinic.live.graphql(
        token, UPDATE, {"id": app["id"], "input": {"name": "Second", "revision": app["revision"]}}
    )

    error = the_error(answer)
    assert error["extensions"] == {"code": "CONFLICT", "field": "revision"}
    assert "since you read it" in error["message"]
    assert shown(clinic) == [now]
    assert update(clinic, app["id"], name="Second", revision=now["revision"])["name"] == "Second"


@pytest.mark.parametrize("url", HOSTILE, ids=lambda url: url[:40])
def test_a_hostile_url_is_refused_by_its_place(lone_clinic: Clinic, url: str) -> None:
    """A-03."""
    live, token = lone_clinic.live, lone_clinic.administrator.token
    app = create(lone_clinic)
    for member in ("redirectUrls", "logoutUrls", "webOrigins"):
        urls = {member: ["https://good.example.com", url]}
        for answer in (
            live.graphql(token, CREATE, {"input": GIVEN | urls}),
            live.graphql(token, UPDATE, {"id": app["id"], "input": urls}),
        ):
            error = the_error(answer)
            assert error["extensions"] == {"code": "BAD_USER_INPUT", "field": f"{member}[1]"}
            assert not url or url not in answer.text
    assert shown(lone_clinic) == [app]


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 10_000}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"redirectUrls": []}, "redirectUrls"),
        ({"redirectUrls": [f"{CALLBACK}/{number}" for number in range(URLS_LIMIT + 1)]}, "redirectUrls"),
        ({"webOrigins": ["https://pages.example.com/path"]}, "webOrigins[0]"),
        ({"webOrigins": ["https://pages.example.com?a=b"]}, "webOrigins[0]"),
        ({"backchannelLogoutUri": "http://app.example.com/hear"}, "backchannelLogoutUri"),
        ({"backchannelLogoutUri": "https://127.0.0.1/hear"}, "backchannelLogoutUri"),
        ({"backchannelLogoutUri": "https://[::ffff:7f00:1]/hear"}, "backchannelLogoutUri"),
        ({"backchannelLogoutUri": "https://169.254.169.254/hear"}, "backchannelLogoutUri"),
        ({"backchannelLogoutUri": "https://0x7f.1/hear"}, "backchannelLogoutUri"),
        ({"backchannelLogoutUri": "hear"}, "backchannelLogoutUri"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_no_app_has_is_refused_by_name(lone_clinic: Clinic, changed: dict[str, Any], named: str) -> None:
    live, token = lone_clinic.live, lone_clinic.administrator.token
    app = create(lone_clinic)
    for answer in (
        live.graphql(token, CREATE, {"input": GIVEN | changed}),
        live.graphql(token, UPDATE, {"id": app["id"], "input": changed}),
    ):
        error = the_error(answer)
        assert error["extensions"] == {"code": "BAD_USER_INPUT", "field": named}
        assert named.partition("[")[0] in error["message"] or "URL" in error["message"]
    assert shown(lone_clinic) == [app]


def test_a_name_cannot_be_taken_away_and_may_have_any_visible_character(lone_clinic: Clinic) -> None:
    app = create(lone_clinic, name='<script>alert("1")</script>\N{HEBREW LETTER ALEF}')
    assert app["name"] == '<script>alert("1")</script>\N{HEBREW LETTER ALEF}'
    answer = lone_clinic.live.graphql(
        lone_clinic.administrator.token, UPDATE, {"id": app["id"], "input": {"name": None}}
    )
    assert the_error(answer)["extensions"] == {"code": "BAD_USER_INPUT", "field": "name"}


def test_a_native_app_has_a_scheme_of_its_own_and_no_other_app_has(lone_clinic: Clinic) -> None:
    urls: dict[str, Any] = {"redirectUrls": ["com.example.app:/callback", "http://127.0.0.1/callback"]}
    assert create(lone_clinic, appType="native", **urls)["redirectUrls"] == urls["redirectUrls"]
    for scheme in ("myapp:/callback", "javascript:alert(1)"):
        answer = lone_clinic.live.graphql(
            lone_clinic.administrator.token, CREATE, {"input": GIVEN | {"appType": "native", "redirectUrls": [scheme]}}
        )
        assert the_error(answer)["extensions"]["field"] == "redirectUrls[0]"


@pytest.mark.parametrize(
    "member", ["thirdParty", "anyOrganization", "servesEverybody", "organizationId", "id", "disabledAt", "secret"]
)
def test_nobody_sets_what_only_the_operator_decides(lone_clinic: Clinic, member: str) -> None:
    """M-12."""
    live, token = lone_clinic.live, lone_clinic.administrator.token
    app = create(lone_clinic)
    for document, variables in (
        (CREATE, {"input": GIVEN | {member: True}}),
        (UPDATE, {"id": app["id"], "input": {member: True}}),
        (UPDATE, {"id": app["id"], "input": {"appType": "regular_web"}}),
    ):
        assert "Variable '$input' has invalid value" in the_error(live.graphql(token, document, variables))["message"]
    assert shown(lone_clinic) == [app]


def test_an_app_of_everybody_is_shown_and_changed_by_nobody_here(lone_clinic: Clinic) -> None:
    live, token, shared = lone_clinic.live, lone_clinic.administrator.token, lone_clinic.holders.spa
    before = live.data(token, ONE, {"id": shared.client_id})["app"]
    assert (before["servesEverybody"], before["peopleLately"]) == (True, None)
    for document, values in (
        (UPDATE, {"input": {"redirectUrls": ["https://evil.example/"]}}),
        (UPDATE, {"input": {}}),
        (REMOVE, {}),
    ):
        answer = live.graphql(token, document, {"id": shared.client_id} | values)
        assert the_error(answer)["extensions"] == {"code": "CONFLICT", "field": "id"}
    assert live.data(token, ONE, {"id": shared.client_id})["app"] == before


def test_another_organizations_app_and_a_machine_are_not_there(clinic: Clinic) -> None:
    """M-10."""
    live, token = clinic.live, clinic.administrator.token
    birch, now = live.world.birch, live.clock.seconds()
    theirs = clinic.holders.write(
        lambda tx: apps.create(tx, birch.organization_id, Wanted("Birch App", "spa", (CALLBACK,)), (), now)
    )
    for document, values in ((ONE, {}), (UPDATE, {"input": {"name": "Mine"}}), (REMOVE, {})):
        absent = live.graphql(token, document, {"id": "nothing"} | values)
        for app_id in (theirs.id, live.world.alder.client_id, birch.client_id):
            answer = live.graphql(token, document, {"id": app_id} | values)
            assert answer.json() == absent.json(), app_id
    assert theirs.id not in live.graphql(token, APPS).text
    assert clinic.holders.write(lambda tx: apps.require(tx, birch.organization_id, theirs.id)) == theirs
    assert live.exchange(live.world.alder).status_code == 200


def test_developers_and_administrators_keep_apps_and_nobody_else(lone_clinic: Clinic) -> None:
    live, app = lone_clinic.live, create(lone_clinic)
    asked = {
        APPS: {},
        ONE: {"id": app["id"]},
        CREATE: {"input": GIVEN},
        UPDATE: {"id": app["id"], "input": {"name": "Mine"}},
        REMOVE: {"id": app["id"]},
        REVOKE: {"id": app["id"], "secretId": "sec_nothing"},
    }
    for role in Role:
        token = lone_clinic.somebody(role).token
        for document, variables in asked.items():
            answer = live.graphql(token, document, variables)
            if role in {Role.ADMINISTRATOR, Role.DEVELOPER}:
                assert "FORBIDDEN" not in answer.text, (role, document)
            else:
                assert code(answer) == "FORBIDDEN", (role, document)


def test_a_machine_that_was_given_the_permission_reads_apps_and_changes_none(lone_clinic: Clinic) -> None:
    """Decision 23."""
    live, app = lone_clinic.live, create(lone_clinic)
    token = lone_clinic.machine("read:client", "write:client")
    assert app["id"] in {one["id"] for one in live.data(token, "{ apps { id } }")["apps"]}
    for document, variables in (
        (CREATE, {"input": GIVEN}),
        (UPDATE, {"id": app["id"], "input": {"name": "Mine"}}),
        (REMOVE, {"id": app["id"]}),
        (REVOKE, {"id": app["id"], "secretId": "sec_nothing"}),
    ):
        assert code(live.graphql(token, document, variables)) == "FORBIDDEN"


def test_an_organization_has_only_so_many_apps(lone_clinic: Clinic) -> None:
    organization_id, now = lone_clinic.holders.organization_id, lone_clinic.live.clock.seconds()

    def fill(tx: Transaction) -> None:
        for _ in range(APPS_LIMIT - len(apps.all_of(tx, organization_id))):
            apps.create(tx, organization_id, Wanted("App", "spa", (CALLBACK,)), (), now)

    lone_clinic.holders.write(fill)
    answer = lone_clinic.live.graphql(lone_clinic.administrator.token, CREATE, {"input": GIVEN})
    assert code(answer) == "BAD_USER_INPUT"
    assert f"at most {APPS_LIMIT} apps" in the_error(answer)["message"]
