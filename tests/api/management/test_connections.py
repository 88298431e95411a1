"""Connections over the API: added, changed, switched and removed, by whoever may and proved two factors lately."""

from typing import Any, Final

import pytest

from rxauth.domain import connections, group_roles, sessions, upstream_identities
from rxauth.domain.connections import CONNECTIONS_LIMIT
from rxauth.domain.upstream_identities import UpstreamIdentity
from rxauth.domain.webhooks import Keeper
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from rxauth.storage.tables.federation import upstream_sessions
from rxauth.storage.tenancy import insert_row
from tests.api.answers import code, errors, the_error
from tests.api.management import connections as sent
from tests.api.management.people import Clinic
from tests.federation.saml.issuing import OUR_KEY, THEIR_KEY
from tests.live import Live
from tests.world import NOW

ACTS: Final[dict[str, dict[str, Any]]] = {
    sent.ADD: {"i": sent.OPEN_ID | {"name": "another"}},
    sent.UPDATE: {"i": {"displayName": "Other"}},
    sent.SECRET: {"s": "another"},
    sent.GROUPS: {"g": []},
    sent.SWITCH: {"on": False},
    sent.REMOVE: {},
}


def kept(live: Live) -> Clinic:
    """Returns a clinic whose secrets can be sealed."""
    live.edge.api.keeper = Keeper(live.server.sealing_key)
    return Clinic(live)


@pytest.fixture
def clinic(live: Live) -> Clinic:
    """A clinic on each engine."""
    return kept(live)


@pytest.fixture
def lone_clinic(sqlite_live: Live) -> Clinic:
    """A clinic on one engine, for what does not depend on it."""
    return kept(sqlite_live)


def ask(clinic: Clinic, document: str, **variables: Any) -> Any:
    """Sends the administrator's request, which must succeed; returns its only field."""
    [answer] = clinic.live.data(clinic.administrator.token, document, variables).values()
    return answer


def refused(clinic: Clinic, document: str, token: str | None = None, **variables: Any) -> dict[str, Any]:
    """Sends a request that must fail; returns its error."""
    return the_error(clinic.live.graphql(token or clinic.administrator.token, document, variables))


def come_through(clinic: Clinic, connection_id: str) -> str:
    """Has a member come through a connection; returns their session."""
    where = clinic.live.world.alder.organization_id
    session, _ = clinic.holders.session(clinic.doctor.id, ("fed",))

    def work(tx: Transaction) -> None:
        one = UpstreamIdentity(where, connection_id, "maya", None, None, None, (), (), None)
        upstream_identities.link(tx, one, clinic.doctor.id, NOW)
        keys = {"organization_id": where, "session_id": session.id, "connection_id": connection_id, "subject": "maya"}
        tx.run(insert_row(upstream_sessions), **keys, upstream_session=None, sealed_hint=None)

    clinic.live.server.database.write(work)
    return session.id


def test_a_connection_is_added_shown_changed_switched_and_removed_and_each_act_is_recorded(clinic: Clinic) -> None:
    made = sent.add(clinic.live, clinic.administrator.token)
    assert made | {"id": "", "revision": "", "createdAt": "", "changedAt": ""} == {
        "id": "",
        "name": "alder-entra",
        "displayName": "Alder Entra",
        "kind": "OPENID_CONNECT",
        "isEnabled": True,
        "joining": "INVITE_ONLY",
        "createdAt": "",
        "changedAt": "",
        "openIdConnect": {
            "issuer": sent.OPEN_ID["issuer"],
            "clientId": "7f0c",
            "authentication": "SECRET_BASIC",
            "hasSecret": True,
            "scopes": ["openid", "email", "profile"],
        },
        "saml": None,
        "claims": {
            "email": "email",
            "firstName": "given_name",
            "lastName": "family_name",
            "groups": None,
            "secondFactor": [],
        },
        "groups": [],
        "urls": made["urls"],
        "people": 0,
        "lastUsedAt": None,
        "revision": "",
    }
    assert made["urls"]["callback"].endswith("/sso/alder-entra/callback")
    claims = {"groups": "groups", "secondFactor": ["mfa", "mfa"]}
    changes = {"displayName": "Entra", "joining": "JUST_IN_TIME", "scopes": ["openid", "email"], "claims": claims}
    changed = ask(clinic, sent.UPDATE, id=made["id"], i=changes | {"revision": made["revision"]})
    assert (changed["displayName"], changed["joining"]) == ("Entra", "JUST_IN_TIME")
    assert changed["openIdConnect"]["scopes"] == ["openid", "email"]
    assert (changed["claims"]["groups"], changed["claims"]["secondFactor"]) == ("groups", ["mfa"])
    assert changed["claims"]["email"] == "email"
    stale = refused(clinic, sent.UPDATE, id=made["id"], i={"displayName": "Mine", "revision": made["revision"]})
    assert stale["extensions"]["reason"] == "changed_meanwhile"
    taken = ask(clinic, sent.UPDATE, id=made["id"], i={"claims": {"groups": None, "email": None}})
    assert taken["claims"] == changed["claims"] | {"groups": None}

    assert ask(clinic, sent.SECRET, id=made["id"], s="the next one")["revision"] != changed["revision"]
    where, key = clinic.live.world.alder.organization_id, clinic.live.server.sealing_key
    [kept] = clinic.live.server.database.read(lambda tx: connections.all_of(tx, where))
    assert kept.secret(key) == "the next one"
    session_id = come_through(clinic, made["id"])
    [shown] = ask(clinic, sent.ALL)
    assert (shown["people"], shown["lastUsedAt"]) == (1, "2026-11-23T12:00:00.000Z")

    assert not ask(clinic, sent.SWITCH, id=made["id"], on=False)["isEnabled"]
    ended = clinic.live.server.database.read(lambda tx: sessions.load(tx, session_id))
    assert ended is not None
    assert ended.ended_at is not None
    assert ask(clinic, sent.SWITCH, id=made["id"], on=True)["isEnabled"]
    ask(clinic, sent.GROUPS, id=made["id"], g=[{"group": "nurses", "roles": ["Support"]}])
    assert ask(clinic, sent.REMOVE, id=made["id"]) is True
    assert ask(clinic, sent.ONE, id=made["id"]) is None
    assert ask(clinic, sent.ALL) == []
    assert sent.add(clinic.live, clinic.administrator.token)["people"] == 0
    events = [
        *("connection.added", "connection.changed", "connection.secret_set", "connection.groups_set"),
        *("connection.disabled", "connection.enabled", "connection.removed"),
    ]
    told = {one["event"] for one in clinic.recorded(*events)}
    assert told == set(events)
    assert "next one" not in str(clinic.recorded(*events))


def test_what_groups_give_is_what_the_caller_may_give_and_never_prescriber(clinic: Clinic) -> None:
    made = sent.add(clinic.live, clinic.administrator.token)["id"]
    groups = [{"group": "nurses", "roles": ["Support", "Staff"]}, {"group": "it", "roles": ["Developer"]}]
    shown = ask(clinic, sent.GROUPS, id=made, g=groups)["groups"]
    assert shown == [
        {"group": "it", "roles": [{"name": "Developer"}]},
        {"group": "nurses", "roles": [{"name": "Staff"}, {"name": "Support"}]},
    ]
    error = refused(clinic, sent.GROUPS, id=made, g=[{"group": "doctors", "roles": ["Prescriber"]}])
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    twice = [{"group": "a", "roles": ["Staff"]}, {"group": " a", "roles": ["Support"]}]
    assert refused(clinic, sent.GROUPS, id=made, g=twice)["extensions"]["field"] == "groups[1].group"
    where = clinic.live.world.alder.organization_id
    kept = clinic.live.server.database.read(lambda tx: group_roles.of_source(tx, where, made))
    assert kept == {"it": {Role.DEVELOPER}, "nurses": {Role.STAFF, Role.SUPPORT}}
    assert ask(clinic, sent.GROUPS, id=made, g=[])["groups"] == []


def test_whoever_changes_a_connection_proved_two_factors_lately(lone_clinic: Clinic) -> None:
    made = sent.add(lone_clinic.live, lone_clinic.administrator.token)["id"]
    unsure = lone_clinic.again(lone_clinic.administrator, "pwd").token
    for document, variables in ACTS.items():
        asked = variables if "$id" not in document else variables | {"id": made}
        assert code(lone_clinic.live.graphql(unsure, document, asked)) == "INSUFFICIENT_USER_AUTHENTICATION"
    assert [one["displayName"] for one in ask(lone_clinic, sent.ALL)] == ["Alder Entra"]


def test_a_connection_is_its_organizations_own(lone_clinic: Clinic) -> None:
    made = sent.add(lone_clinic.live, lone_clinic.administrator.token)["id"]
    birch = lone_clinic.live.world.birch.organization_id
    other = lone_clinic.somebody(Role.ADMINISTRATOR, organization_id=birch).token
    assert lone_clinic.live.data(other, sent.ALL) == {"connections": []}
    assert lone_clinic.live.data(other, sent.ONE, {"id": made}) == {"connection": None}
    for document, variables in ACTS.items():
        if "$id" in document:
            asked = variables | {"id": made}
            assert code(lone_clinic.live.graphql(other, document, asked)) == "NOT_FOUND"
    assert code(lone_clinic.live.graphql(other, sent.ADD, {"i": sent.OPEN_ID})) == "CONFLICT"


def test_clients_show_with_what_their_people_can_sign_in(lone_clinic: Clinic) -> None:
    """As the published clients ask it."""
    made = sent.add(lone_clinic.live, lone_clinic.administrator.token)["id"]
    developer = lone_clinic.somebody(Role.DEVELOPER).token
    asked = "{ clients { id connections { id name } } }"
    shown = lone_clinic.live.data(developer, asked)["clients"]
    assert all(one["connections"] == [{"id": made, "name": "alder-entra"}] for one in shown)
    secret = "{ clients { connections { openIdConnect { clientId } } } }"
    found = errors(lone_clinic.live.graphql(developer, secret))
    assert {one["extensions"]["requiredPermission"] for one in found} == {"read:connection"}
    ask(lone_clinic, sent.SWITCH, id=made, on=False)
    assert lone_clinic.live.data(developer, asked)["clients"][0]["connections"] == []


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("name", {"name": "Alder"}),
        ("name", {"name": "-a"}),
        ("displayName", {"displayName": " "}),
        ("issuer", {"issuer": "http://login.example.com"}),
        ("issuer", {"issuer": "https://127.0.0.1"}),
        ("issuer", {"issuer": "https://login.example.com/.well-known/openid-configuration"}),
        ("issuer", {"issuer": "https://login.example.com?tenant=1"}),
        ("issuer", {"issuer": "login.example.com"}),
        ("clientId", {"clientId": ""}),
        ("secret", {"secret": ""}),
        ("secret", {"secret": None, "authentication": "SECRET_POST"}),
        ("scopes", {"scopes": ["email"]}),
        ("scopes", {"scopes": ["openid", "a b"]}),
        ("claims.groups", {"claims": {"groups": ""}}),
        ("claims.secondFactor[1]", {"claims": {"secondFactor": ["mfa", ""]}}),
        ("claims.secondFactor", {"claims": {"secondFactor": [str(one) for one in range(21)]}}),
    ],
)
def test_what_is_wrong_with_a_connection_is_said_of_its_field(
    lone_clinic: Clinic, field: str, changes: dict[str, Any]
) -> None:
    error = refused(lone_clinic, sent.ADD, i=sent.OPEN_ID | changes)
    assert (error["extensions"]["code"], error["extensions"]["field"]) == ("BAD_USER_INPUT", field)
    assert ask(lone_clinic, sent.ALL) == []


def test_an_organization_has_so_many_connections(lone_clinic: Clinic) -> None:
    for number in range(CONNECTIONS_LIMIT):
        sent.add(lone_clinic.live, lone_clinic.administrator.token, name=f"one-{number}")
    assert refused(lone_clinic, sent.ADD, i=sent.OPEN_ID)["extensions"]["code"] == "BAD_USER_INPUT"


def test_a_connection_through_which_people_came_keeps_its_provider(lone_clinic: Clinic) -> None:
    made = sent.add(lone_clinic.live, lone_clinic.administrator.token)["id"]
    other = {"issuer": "https://login.example.org"}
    assert ask(lone_clinic, sent.UPDATE, id=made, i=other)["openIdConnect"]["issuer"] == other["issuer"]
    come_through(lone_clinic, made)
    error = refused(lone_clinic, sent.UPDATE, id=made, i={"issuer": sent.OPEN_ID["issuer"]})
    assert error["extensions"]["field"] == "issuer"
    error = refused(lone_clinic, sent.UPDATE, id=made, i={"idpInitiated": True})
    assert error["extensions"]["field"] == "idpInitiated"


def test_a_saml_connection_is_read_from_metadata_and_its_certificates_change_one_after_the_other(
    lone_clinic: Clinic,
) -> None:
    first, second = THEIR_KEY.certificate, OUR_KEY.certificate
    given = {"name": "alder-saml", "displayName": "Alder", "metadata": sent.metadata(first.base64)}
    made = ask(lone_clinic, sent.ADD_SAML, i=given)
    shown = {"fingerprint": first.fingerprint, "endsAt": made["saml"]["certificates"][0]["endsAt"], "hasEnded": False}
    assert made["saml"] == {
        "entityId": "https://idp.example/saml",
        "ssoUrl": "https://idp.example/sso",
        "ssoBinding": "REDIRECT",
        "sloUrl": None,
        "idpInitiated": False,
        "certificates": [shown],
    }
    assert (made["kind"], made["openIdConnect"]) == ("SAML", None)
    assert made["claims"]["firstName"] == "firstName"
    armoured = f"-----BEGIN CERTIFICATE-----\n{second.base64}\n-----END CERTIFICATE-----"
    for _ in range(2):
        both = ask(lone_clinic, sent.ADD_CERTIFICATE, id=made["id"], c=armoured)["saml"]["certificates"]
        assert [one["fingerprint"] for one in both] == [first.fingerprint, second.fingerprint]
    [left] = ask(lone_clinic, sent.REMOVE_CERTIFICATE, id=made["id"], f=first.fingerprint)["saml"]["certificates"]
    assert left["fingerprint"] == second.fingerprint
    for fingerprint in (first.fingerprint, second.fingerprint):
        error = refused(lone_clinic, sent.REMOVE_CERTIFICATE, id=made["id"], f=fingerprint)
        assert error["extensions"]["field"] == "fingerprint"
    assert refused(lone_clinic, sent.ADD_CERTIFICATE, id=made["id"], c="AAAA")["extensions"]["field"] == "certificate"
    assert refused(lone_clinic, sent.SECRET, id=made["id"], s="a")["extensions"]["field"] == "secret"
    other = {"metadata": sent.metadata(first.base64, second.base64), "idpInitiated": True}
    changed = ask(lone_clinic, sent.UPDATE, id=made["id"], i=other)["saml"]
    assert (len(changed["certificates"]), changed["idpInitiated"]) == (2, True)
    come_through(lone_clinic, made["id"])
    other = {"metadata": sent.metadata(first.base64, entity_id="https://another.example")}
    assert refused(lone_clinic, sent.UPDATE, id=made["id"], i=other)["extensions"]["field"] == "metadata"
    assert refused(lone_clinic, sent.UPDATE, id=made["id"], i={"issuer": "a"})["extensions"]["field"] == "issuer"


def test_a_certificate_of_ours_is_published_before_it_is_used(lone_clinic: Clinic) -> None:
    given = {"name": "alder-saml", "displayName": "Alder", "metadata": sent.metadata(THEIR_KEY.certificate.base64)}
    made = ask(lone_clinic, sent.ADD_SAML, i=given)["id"]

    def states(act: str) -> list[str]:
        found = ask(lone_clinic, sent.OWN % act, id=made)["ownCertificates"]
        assert not any(one["hasEnded"] for one in found)
        return sorted(one["state"] for one in found)

    assert states("publishConnectionCertificate") == ["CURRENT"]
    assert states("publishConnectionCertificate") == ["CURRENT", "NEXT"]
    assert "published already" in refused(lone_clinic, sent.OWN % "publishConnectionCertificate", id=made)["message"]
    assert states("useConnectionCertificate") == ["CURRENT", "PREVIOUS"]
    assert refused(lone_clinic, sent.OWN % "useConnectionCertificate", id=made)
    assert states("publishConnectionCertificate") == ["CURRENT", "NEXT", "PREVIOUS"]
    assert states("withdrawConnectionCertificate") == ["CURRENT", "PREVIOUS"]
    openid = ask(lone_clinic, sent.ADD, i=sent.OPEN_ID)["id"]
    assert refused(lone_clinic, sent.OWN % "publishConnectionCertificate", id=openid)["extensions"]["field"] == "id"


def test_what_is_wrong_with_metadata_is_said_in_an_administrators_words(lone_clinic: Clinic) -> None:
    for text, words in (
        ("", "XML"),
        ("<html></html>", "IDPSSODescriptor"),
        (sent.metadata(), "certificate"),
        (sent.metadata("AAAA"), "certificate"),
        (sent.metadata(THEIR_KEY.certificate.base64, location="http://idp.example/sso"), "https"),
    ):
        given = {"name": "alder-saml", "displayName": "Alder", "metadata": text}
        error = refused(lone_clinic, sent.ADD_SAML, i=given)
        assert error["extensions"]["field"] == "metadata"
        assert words in error["message"], error
