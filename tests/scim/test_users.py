"""Users over HTTP: made, found, changed and deleted as RFC 7644 says."""

import httpx
import pytest

from tests.provisioning import ENTERPRISE, SEARCH, USER, Provider


def error(answer: httpx.Response) -> tuple[int, str | None]:
    """Returns the status and the scimType of an error, which has the shape of the standard."""
    body = answer.json()
    assert body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert body["status"] == str(answer.status_code)
    assert answer.headers["content-type"] == "application/scim+json"
    assert body["detail"]
    return answer.status_code, body.get("scimType")


def test_a_user_is_kept_as_it_was_sent_as_far_as_the_schema_goes(provider: Provider) -> None:
    sent = {
        "externalId": "00u1",
        "password": "mauve tin lorry wharf",
        "roles": [{"value": "Administrator"}],
        "permissions": ["read:patient"],
        "id": "scu_mine",
        "DISPLAYNAME": "Mona Reyes",
        "active": "True",
        ENTERPRISE: {"department": "Ward 3", "manager": "26118915", "badge": 7},
    }
    answer = provider.post_user("Mona@clinic.example", **sent)
    made = answer.json()

    assert answer.status_code == 201
    assert answer.headers["location"] == made["meta"]["location"]
    assert answer.headers["etag"] == made["meta"]["version"] == 'W/"1"'
    assert made["meta"]["location"].endswith(f"/scim/v2/Users/{made['id']}")
    assert {name: made[name] for name in made if name not in {"id", "meta", "name", "emails"}} == {
        "schemas": [USER, ENTERPRISE],
        "userName": "Mona@clinic.example",
        "externalId": "00u1",
        "displayName": "Mona Reyes",
        "active": True,
        ENTERPRISE: {"department": "Ward 3", "manager": {"value": "26118915"}},
    }
    assert provider.http.get(f"Users/{made['id']}").json() == made


def test_what_is_replaced_is_gone_but_nobody_comes_back_by_silence(provider: Provider) -> None:
    made = provider.create("mona@clinic.example", title="Nurse", active=False)
    body = {"schemas": [USER], "userName": "nora@clinic.example"}
    changed = provider.http.put(f"Users/{made['id']}", json=body)

    assert changed.status_code == 200
    assert "title" not in changed.json()
    assert changed.json()["meta"]["version"] == 'W/"2"'
    assert provider.names(filter="active eq true") == []
    assert provider.names(filter='emails eq "mona@clinic.example"') == []
    assert provider.names(filter='userName eq "NORA@clinic.example"') == ["nora@clinic.example"]


def test_a_change_that_changes_nothing_keeps_the_version(lone_provider: Provider) -> None:
    made = lone_provider.create("mona@clinic.example")
    same = lone_provider.patch(f"Users/{made['id']}", {"op": "replace", "path": "active", "value": True})
    assert same.json() == made


def test_an_entity_tag_says_who_knows_the_resource_as_it_is(lone_provider: Provider) -> None:
    provider = lone_provider
    made = provider.create("mona@clinic.example")
    path, old = f"Users/{made['id']}", made["meta"]["version"]
    unchanged = provider.http.get(path, headers={"if-none-match": old})
    assert (unchanged.status_code, unchanged.content, unchanged.headers["etag"]) == (304, b"", old)
    title = {"op": "replace", "path": "title", "value": "Nurse"}
    assert provider.patch(path, title, **{"if-match": old}).status_code == 200
    assert provider.http.get(path, headers={"if-none-match": old}).status_code == 200

    assert error(provider.patch(path, title, **{"if-match": old})) == (412, None)
    assert error(provider.http.put(path, json={"userName": "x"}, headers={"if-match": old})) == (412, None)
    assert error(provider.http.delete(path, headers={"if-match": old})) == (412, None)
    assert provider.http.delete(path, headers={"if-match": 'W/"7", W/"2"'}).status_code == 204
    assert error(provider.http.get(path)) == (404, None)
    assert error(provider.http.delete(path)) == (404, None)
    assert provider.create("mona@clinic.example")["id"] != made["id"]


def test_pages_go_by_place_and_by_cursor(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        provider.create(f"user{number}", title="Nurse" if number % 2 else "Doctor")
        provider.live.clock.advance(1)
    every = [f"user{number}" for number in range(5)]

    page = provider.find(startIndex=2, count=2)
    assert [one["userName"] for one in page["Resources"]] == every[1:3]
    assert (page["totalResults"], page["startIndex"], page["itemsPerPage"]) == (5, 2, 2)
    assert provider.find(count=0)["Resources"] == []
    assert provider.find(startIndex=-3, count=-1) | {"Resources": 0} == provider.find(count=0) | {"Resources": 0}
    assert provider.names(startIndex=6) == []
    assert provider.names(filter='title eq "nurse"', startIndex=2) == ["user3"]
    with monkeypatch.context() as many:
        many.setattr("rxauth.domain.scim_user_lists.FEW", 0)
        found = [provider.names(startIndex=place, count=2) for place in range(1, 8)]
        assert found == [every[place : place + 2] for place in range(7)]

    for wanted, query in ((every, {}), (["user1", "user3"], {"filter": 'title eq "Nurse"'})):
        cursor: str | None = ""
        seen: list[str] = []
        while cursor is not None:
            page = provider.find(cursor=cursor, count=2, **query)
            seen += [one["userName"] for one in page["Resources"]]
            cursor = page.get("nextCursor")
            assert "startIndex" not in page
        assert seen == wanted
    assert error(provider.http.get("Users", params={"cursor": "x"})) == (400, "invalidCursor")
    assert error(provider.http.get("Users", params={"count": "many"})) == (400, "invalidValue")


def test_a_search_says_in_its_body_what_nobody_is_to_log(lone_provider: Provider) -> None:
    mona = lone_provider.create("mona@clinic.example")
    lone_provider.live.clock.advance(1)
    lone_provider.create("nora@clinic.example")
    lone_provider.group("Nurses", mona["id"])
    body = {"schemas": [SEARCH], "filter": 'userName sw "mona"', "attributes": ["emails.value", f"{USER}:title"]}
    found = lone_provider.http.post("Users/.search", json=body).json()
    assert found["Resources"] == [{"schemas": [USER], "id": mona["id"], "emails": [{"value": "mona@clinic.example"}]}]
    everything = lone_provider.http.post(".search", json={"schemas": [SEARCH], "startIndex": 2, "count": 2}).json()
    assert [one.get("userName", one.get("displayName")) for one in everything["Resources"]] == [
        "nora@clinic.example",
        "Nurses",
    ]
    assert everything["totalResults"] == 3
    assert error(lone_provider.http.post("Users/.search", json={"filter": "a pr"})) == (400, "invalidSyntax")


def test_what_is_not_wanted_is_not_shown_and_its_name_is(lone_provider: Provider) -> None:
    made = lone_provider.create("mona@clinic.example", **{ENTERPRISE: {"department": "Ward 3"}})
    path = f"Users/{made['id']}"
    assert lone_provider.http.get(path, params={"attributes": "name.givenName,nothing"}).json() == {
        "schemas": [USER],
        "id": made["id"],
        "name": {"givenName": "Mona"},
    }
    less = lone_provider.http.get(path, params={"excludedAttributes": f"id,emails,meta,{ENTERPRISE}"}).json()
    assert less == {name: made[name] for name in ("id", "userName", "name", "active")} | {"schemas": [USER]}
    both = lone_provider.http.get(path, params={"attributes": "name", "excludedAttributes": "title"})
    assert error(both) == (400, "invalidValue")


# Method, path, body; and the status and scimType of the answer.
REFUSED: list[tuple[str, str, str | None, tuple[int, str | None]]] = [
    ("POST", "Users", "{", (400, "invalidSyntax")),
    ("POST", "Users", "[]", (400, "invalidSyntax")),
    ("POST", "Users", '{"schemas": ["urn:x"], "userName": "x"}', (400, "invalidSyntax")),
    ("POST", "Users", "{}", (400, "invalidValue")),
    ("POST", "Users", '{"userName": ["x"]}', (400, "invalidValue")),
    ("POST", "Users", '{"userName": "x\\u0000"}', (400, "invalidValue")),
    ("POST", "Users", '{"userName": "' + "\\ufdfa" * 250 + '"}', (400, "invalidValue")),
    ("POST", "Groups", '{"displayName": "x", "members": [{"value": "scu_01"}]}', (400, "invalidValue")),
    ("GET", "Users?filter=userName", None, (400, "invalidFilter")),
    ("GET", "Users?count=1&count=2", None, (400, "invalidSyntax")),
    ("GET", "Users/nobody", None, (404, None)),
    ("GET", "Nothing", None, (404, None)),
    ("GET", "Schemas/urn:nothing", None, (404, None)),
    ("DELETE", "Users", None, (405, None)),
    ("POST", "ServiceProviderConfig", "{}", (405, None)),
    ("POST", "Bulk", "{}", (501, None)),
    ("GET", "Me", None, (501, None)),
]


def test_what_is_refused_is_refused_in_the_shape_of_the_standard(lone_provider: Provider) -> None:
    for method, path, body, refused in REFUSED:
        answer = lone_provider.http.request(method, path, content=body)
        assert error(answer) == refused, (method, path, body)


def test_a_body_of_another_type_or_of_any_size_is_not_read(lone_provider: Provider) -> None:
    form = lone_provider.http.post("Users", content=b"userName=x", headers={"content-type": "text/plain"})
    assert error(form) == (415, None)
    assert error(lone_provider.http.post("Users", content=b" " * 300_000)) == (413, None)


def test_many_are_not_looked_through(lone_provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rxauth.scim.listing.LOOKED_THROUGH", 1)
    for name in ("mona", "nora"):
        lone_provider.create(name, title="Nurse")
    assert error(lone_provider.http.get("Users", params={"filter": 'title eq "Nurse"'})) == (400, "tooMany")
    assert lone_provider.names(filter='title eq "Nurse" and userName eq "nora"') == ["nora"]
