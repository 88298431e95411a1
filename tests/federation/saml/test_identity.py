"""What an assertion means here."""

from typing import Any

import msgspec
import pytest

from rxauth.domain import provider_certificates
from rxauth.domain.connection_settings import Joining, Mapping, SamlSettings
from rxauth.domain.connections import Connection
from rxauth.domain.errors import InvalidError
from rxauth.domain.saml_keys import Keys
from rxauth.federation.saml import identity, parties
from rxauth.federation.saml.assertions import TRANSIENT_FORMAT, Assertion, NameId
from rxauth.federation.saml.errors import SamlError
from rxauth.federation.saml.own_metadata import EMAIL_FORMAT, PERSISTENT_FORMAT
from tests.federation.saml.issuing import OUR_KEY, PASSWORD, THEIR_KEY, THEIRS, THEM, US
from tests.federation.saml.test_metadata import document

MULTIPLE = "http://schemas.microsoft.com/claims/multipleauthn"
SETTINGS = SamlSettings(THEIRS, "https://idp.example/sso", "redirect", (THEIR_KEY.certificate.base64,))


def connection(**mapping: Any) -> Connection:
    mapped = msgspec.structs.replace(Mapping("email", "firstName", "lastName"), **mapping)
    return Connection("con_1", "org_1", "clinic", "Clinic", Joining.INVITE_ONLY, SETTINGS, None, mapped, 0, 0, None)


def said(name_id: NameId | None = None, /, **attributes: tuple[str, ...]) -> Assertion:
    who = name_id or NameId("grace", PERSISTENT_FORMAT)
    return Assertion("_a", 0, who, "s1", None, 0, PASSWORD, attributes)


def test_attributes_are_read_as_the_connection_maps_them() -> None:
    one = said(mail=("grace@clinic.example",), given=("Grace",), sn=("Hopper",), memberOf=("nurses", "nurses", "staff"))
    mapped = connection(email="mail", first_name="given", last_name="sn", groups="memberOf", second_factor=(PASSWORD,))
    found = identity.identity(mapped, one, US, THEM)
    assert (found.email, found.first_name, found.last_name) == ("grace@clinic.example", "Grace", "Hopper")
    assert (found.groups, found.methods, found.session) == (("nurses", "staff"), ("mfa",), "s1")
    assert (found.organization_id, found.connection_id) == ("org_1", "con_1")
    assert found.hint is not None
    assert identity.name_id_of(found.hint) == one.name_id
    assert "grace" not in repr(found)


@pytest.mark.parametrize(
    ("email", "first", "last"),
    [
        (
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname",
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname",
        ),
        ("urn:oid:0.9.2342.19200300.100.1.3", "urn:oid:2.5.4.42", "urn:oid:2.5.4.4"),
        ("email", "firstName", "lastName"),
    ],
)
def test_what_providers_send_unasked_is_understood_without_a_mapping(email: str, first: str, last: str) -> None:
    one = said(None, **{email: ("grace@clinic.example",), first: ("Grace",), last: ("Hopper",)})
    found = identity.identity(connection(), one, US, THEM)
    assert (found.email, found.first_name, found.last_name) == ("grace@clinic.example", "Grace", "Hopper")


def test_the_name_itself_may_be_the_address() -> None:
    assert identity.identity(connection(), said(NameId("g@c.example", EMAIL_FORMAT)), US, THEM).email == "g@c.example"
    assert identity.identity(connection(), said(NameId("g@c.example")), US, THEM).email is None


def test_nothing_stands_for_a_second_factor_unless_the_connection_says_so() -> None:
    microsoft = {"http://schemas.microsoft.com/claims/authnmethodsreferences": (MULTIPLE,)}
    assert identity.identity(connection(), said(None, **microsoft), US, THEM).methods == ()
    assert identity.identity(connection(second_factor=(MULTIPLE,)), said(None, **microsoft), US, THEM).methods == (
        "mfa",
    )
    assert identity.identity(connection(second_factor=(MULTIPLE,)), said(), US, THEM).methods == ()


def test_two_names_that_differ_in_anything_are_two_people() -> None:
    names = [
        NameId("grace"),
        NameId("grace", PERSISTENT_FORMAT),
        NameId("grace", EMAIL_FORMAT),
        NameId("grace", PERSISTENT_FORMAT, "https://other.example"),
        NameId("grace", PERSISTENT_FORMAT, None, "https://other.example"),
        NameId("persistent grace"),
        NameId("grace", PERSISTENT_FORMAT, "a,sp=b"),
        NameId("grace", PERSISTENT_FORMAT, "a", "b"),
    ]
    assert len({identity.subject(one, US, THEM) for one in names}) == len(names)
    usual = NameId("grace", PERSISTENT_FORMAT, THEIRS, US.entity_id)
    assert identity.subject(usual, US, THEM) == identity.subject(names[1], US, THEM) == "persistent grace"


@pytest.mark.parametrize("name_id", [NameId("x", TRANSIENT_FORMAT), NameId("x" * 600)])
def test_a_name_that_is_not_for_good_is_refused(name_id: NameId) -> None:
    with pytest.raises(SamlError, match=r"transient|longer"):
        identity.identity(connection(), said(name_id), US, THEM)


def test_too_many_groups_are_not_no_groups() -> None:
    overage = said(None, **{"http://schemas.microsoft.com/claims/groups.link": ("https://graph.example",)})
    with pytest.raises(SamlError, match="too many groups"):
        identity.identity(connection(groups="groups"), overage, US, THEM)
    assert identity.identity(connection(), overage, US, THEM).groups == ()


def test_what_a_trial_shows_is_all_that_was_said() -> None:
    assert identity.claims(said(mail=("a", "b"))) == {
        "NameID": "grace",
        "NameID Format": PERSISTENT_FORMAT,
        "AuthnContextClassRef": PASSWORD,
        "SessionIndex": "s1",
        "mail": ["a", "b"],
    }


def test_metadata_become_settings_and_settings_a_provider() -> None:
    settings = parties.settings_from(document().decode(), 0)
    assert settings == SamlSettings(
        THEIRS,
        "https://idp.example/sso",
        "redirect",
        (THEIR_KEY.certificate.base64,),
        "https://idp.example/slo",
        slo_answer_url="https://idp.example/slo/done",
    )
    assert parties.them(settings).certificates == (THEIR_KEY.certificate,)
    with pytest.raises(InvalidError, match="not well-formed") as refused:
        parties.settings_from("https://idp.example/metadata", 0)
    assert refused.value.field == "metadata"
    assert provider_certificates.read(THEIR_KEY.certificate.base64) == THEIR_KEY.certificate.base64
    with pytest.raises(InvalidError, match="cannot be used"):
        provider_certificates.read("AAAA")


def test_this_server_is_known_by_the_connections_name() -> None:
    us = parties.us("https://rx.example", connection(), Keys((OUR_KEY,), ()))
    assert us == US
