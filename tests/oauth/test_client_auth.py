"""Client authentication: reading the credentials, and judging them against what is known of the client."""

import base64
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import quote, quote_from_bytes, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxauth.crypto import secrets
from rxauth.domain.client_secrets import Secret
from rxauth.domain.clients import MACHINE, Client
from rxauth.oauth import client_auth
from rxauth.oauth.client_auth import Presented
from rxauth.oauth.errors import InvalidClientError, InvalidRequestError
from rxauth.oauth.requests import TokenRequest
from rxauth.policy.subjects import MachineSubject

NOW = 1_000_000
CLIENT_ID = "aB3" + "x" * 29
SECRET = secrets.new_secret()
OTHER = secrets.new_secret()


def asked(authorization: str | None = None, **parameters: str) -> TokenRequest:
    """Returns a request to the token endpoint."""
    return TokenRequest(parameters, authorization, "127.0.0.1", "request")


def basic(text: str | bytes) -> str:
    """Returns a Basic header value."""
    raw = text.encode() if isinstance(text, str) else text
    return "Basic " + base64.b64encode(raw).decode()


def kept(text: str, **changes: int | None) -> Secret:
    """Returns what is stored of a secret, with its times."""
    times = {"created_at": NOW - 100, "expires_at": None, "revoked_at": None} | changes
    return Secret("sec_1", secrets.digest(text), times["created_at"] or 0, times["expires_at"], times["revoked_at"])


def client(*its_secrets: Secret) -> Client:
    """Returns a machine client that has these secrets."""
    subject = MachineSubject(CLIENT_ID, "org_1", frozenset())
    return Client(CLIENT_ID, "org_1", "Backend", MACHINE, 0, 0, False, False, None, False, its_secrets, {}, subject)


def test_credentials_in_the_body_are_read() -> None:
    claim = client_auth.presented(asked(client_id=CLIENT_ID, client_secret=SECRET))

    assert claim == Presented(CLIENT_ID, secrets.digest(SECRET))


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
def test_credentials_in_the_header_are_read_whatever_the_case_of_the_scheme(scheme: str) -> None:
    header = basic(f"{CLIENT_ID}:{SECRET}").replace("Basic", scheme)

    assert client_auth.presented(asked(header)) == Presented(CLIENT_ID, secrets.digest(SECRET))


def test_the_header_may_be_joined_by_the_same_client_id_in_the_body() -> None:
    claim = client_auth.presented(asked(basic(f"{CLIENT_ID}:{SECRET}"), client_id=CLIENT_ID))

    assert claim.client_id == CLIENT_ID


@given(st.text(), st.sampled_from([quote_plus, lambda text: quote(text, safe="")]))
def test_identifiers_in_the_header_are_form_decoded(client_id: str, encode: Callable[[str], str]) -> None:
    """RFC 6749 §2.3.1 and appendix B."""
    header = basic(f"{encode(client_id)}:{SECRET}")

    assert client_auth.claimed_client(asked(header)) == client_id


def test_a_client_id_and_secret_in_the_header_may_be_encoded_whole() -> None:
    """RFC 6749 §2.3.1 and appendix B."""
    encoded = (quote_from_bytes(text.encode(), safe="").replace("x", "%78") for text in (CLIENT_ID, SECRET))

    claim = client_auth.presented(asked(basic(":".join(encoded))))

    assert claim == Presented(CLIENT_ID, secrets.digest(SECRET))


@pytest.mark.parametrize(
    "client_id", ["", "a-client", CLIENT_ID[1:], f"{CLIENT_ID}\x00", "\u0661" * 32, "\ud800", "a" * 8_192]
)
def test_an_identifier_that_no_client_can_have_is_read_as_nobodys(client_id: str) -> None:
    """It fails like an unknown client, and never reaches the database."""
    claim = client_auth.presented(asked(client_id=client_id, client_secret=SECRET))

    assert claim == Presented("0" * 32, secrets.digest(SECRET))


@pytest.mark.parametrize(
    ("request_", "client_id"),
    [
        (asked(client_id=CLIENT_ID), CLIENT_ID),
        (asked(client_id=CLIENT_ID, client_secret="cut short"), CLIENT_ID),
        (asked(basic(f"{CLIENT_ID}:guess")), CLIENT_ID),
        (asked(basic(f"{CLIENT_ID}:guess"), client_id=CLIENT_ID), CLIENT_ID),
        (asked(), ""),
        (asked("Basic junk"), ""),
    ],
)
def test_failures_are_counted_for_the_client_that_is_claimed_wherever_it_is_named(
    request_: TokenRequest, client_id: str
) -> None:
    assert client_auth.claimed_client(request_) == client_id


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_whatever_a_basic_header_holds_it_is_read_or_refused(raw: bytes) -> None:
    with pytest.raises(InvalidClientError):
        client_auth.presented(asked(basic(raw)))


@given(st.text(max_size=200))
def test_whatever_the_header_says_it_is_read_or_refused(header: str) -> None:
    with pytest.raises(InvalidClientError):
        client_auth.presented(asked(header))


@pytest.mark.parametrize(
    ("request_", "error", "part"),
    [
        (asked(), InvalidClientError, "send client_id"),
        (asked(client_secret=SECRET), InvalidClientError, "send client_id"),
        (asked(client_id=CLIENT_ID), InvalidClientError, "send client_secret"),
        (asked(client_id=CLIENT_ID, client_secret="hunter2"), InvalidClientError, "not copied whole"),
        (asked(client_id=CLIENT_ID, client_secret=SECRET + " "), InvalidClientError, "not copied whole"),
        (asked(basic(f"{CLIENT_ID}:{SECRET[:-1]}")), InvalidClientError, "not copied whole"),
        (asked(basic(CLIENT_ID)), InvalidClientError, "no colon"),
        (asked("Bearer abc"), InvalidClientError, "takes Basic"),
        (asked(basic(f"{CLIENT_ID}:{SECRET}"), client_secret=SECRET), InvalidRequestError, "authenticates twice"),
        (asked(basic(f"{CLIENT_ID}:{SECRET}"), client_id="another"), InvalidRequestError, "not the one in the"),
        (asked("Basic ", client_id=CLIENT_ID, client_secret=SECRET), InvalidClientError, "no colon"),
    ],
)
def test_credentials_that_cannot_be_read_are_refused_with_the_reason(
    request_: TokenRequest, error: type[Exception], part: str
) -> None:
    with pytest.raises(error, match=part):
        client_auth.presented(request_)


@pytest.mark.parametrize(
    "found",
    [
        None,
        client(),
        client(kept(OTHER)),
        client(kept(SECRET, expires_at=NOW)),
        client(kept(SECRET, revoked_at=NOW - 1)),
        client(kept(SECRET, revoked_at=NOW + 1)),
        replace(client(kept(SECRET)), disabled=True),
    ],
    ids=["unknown", "no secret", "another secret", "expired", "revoked", "revoked by a faster clock", "disabled"],
)
def test_every_way_to_fail_looks_the_same_to_whoever_asks(found: Client | None) -> None:
    claim = Presented(CLIENT_ID, secrets.digest(SECRET))

    assert client_auth.authenticate(claim, found, NOW) is None


@pytest.mark.parametrize("expires_at", [None, NOW + 1])
@pytest.mark.parametrize("presented", [SECRET, OTHER], ids=["the first", "the second"])
def test_either_of_two_live_secrets_proves_the_client_and_is_named(presented: str, expires_at: int | None) -> None:
    older = replace(kept(SECRET, expires_at=expires_at), id="sec_older")
    newer = replace(kept(OTHER), id="sec_newer")

    proven = client_auth.authenticate(Presented(CLIENT_ID, secrets.digest(presented)), client(older, newer), NOW)

    assert proven is not None
    assert proven.secret == (older if presented == SECRET else newer)


def test_the_digest_of_a_presented_secret_is_not_printed() -> None:
    claim = Presented(CLIENT_ID, secrets.digest(SECRET))

    assert repr(claim) == f"Presented(client_id={CLIENT_ID!r})"
    assert "digest" not in repr(kept(SECRET))
    assert SECRET not in repr(asked(basic(f"{CLIENT_ID}:{SECRET}"), client_secret=SECRET))
