"""The client credentials grant: it proves the client itself, and takes nothing else from the request."""

import pytest

from rxauth.domain.client_secrets import Secret
from rxauth.domain.clients import MACHINE, Client
from rxauth.domain.sessions import Limits
from rxauth.oauth.client_auth import Authenticated
from rxauth.oauth.grant import Authorization
from rxauth.oauth.grants import GRANTS
from rxauth.oauth.grants.client_credentials import GRANT
from rxauth.oauth.requests import TokenRequest
from rxauth.oauth.server import Lifetimes
from rxauth.policy.subjects import MachineSubject

LIFETIMES = Lifetimes(86_400, 300, 3_600, Limits(3_600, 86_400))
CLIENT_ID = "a" * 32
SUBJECT = MachineSubject(CLIENT_ID, "org_1", frozenset({"read:patient"}))
SECRET = Secret("sec_1", b"digest", 0, None, None)
CLIENT = Authenticated(
    Client(CLIENT_ID, "org_1", "Backend", MACHINE, 0, 0, False, False, None, False, (SECRET,), {}, SUBJECT), SECRET
)


def authorized(**parameters: str) -> Authorization:
    """Returns what the grant proves for a request with these parameters."""
    return GRANT.authorize(TokenRequest(parameters, None, "127.0.0.1", "request"), CLIENT, LIFETIMES)


def test_the_client_itself_is_the_subject() -> None:
    """RFC 6749 §4.4, RFC 9068 §2.2."""
    assert authorized() == Authorization(SUBJECT, f"{CLIENT_ID}@clients", "client-credentials", 86_400)


@pytest.mark.parametrize(
    "name", ["sub", "subject", "username", "user_id", "org_id", "organization", "permissions", "roles", "act", "claims"]
)
def test_no_parameter_makes_the_grant_speak_for_somebody_else(name: str) -> None:
    assert authorized(**{name: "usr_01J00000000000000000000000"}) == authorized()


def test_only_machine_clients_may_use_it() -> None:
    assert GRANT.app_types == {MACHINE}


def test_it_is_accepted_under_its_name_and_no_grant_takes_a_password() -> None:
    """RFC 9700 §2.4."""
    assert GRANTS["client_credentials"] is GRANT
    assert all(name == grant.name for name, grant in GRANTS.items())
    assert GRANTS.keys().isdisjoint({"password", "implicit", ""})
