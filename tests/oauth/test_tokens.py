"""Access tokens: what is issued, what is accepted, and the reasons that developers are told."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxauth.crypto.jws import SigningKey, new_signing_key
from rxauth.domain import clients, signing_keys
from rxauth.domain.clients import Client
from rxauth.oauth import holders, tokens
from rxauth.oauth.claims import CLIENT_CREDENTIALS, AccessClaims, machine_subject
from rxauth.oauth.client_auth import Authenticated
from rxauth.oauth.errors import InvalidTokenError
from rxauth.oauth.grant import Authorization
from rxauth.oauth.server import Server
from rxauth.oauth.verified import VerifiedTokens
from rxauth.policy.permissions import PERMISSIONS
from rxauth.storage.database import Transaction
from tests.live import Live, decode
from tests.security.forging import served
from tests.world import AUDIENCE, ISSUER, NOW, Template

MOMENTS = st.integers(0, 2**40)
NAMES = st.lists(st.sampled_from([permission.name for permission in PERMISSIONS]), unique=True)


@pytest.fixture(scope="module")
def api(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    yield from served(templates, tmp_path_factory)


def _client(live: Live) -> Client:
    client = live.server.clients.fetch(live.world.alder.client_id)
    assert client is not None
    return client


def _issue(
    live: Live, permissions: tuple[str, ...] = ("read:patient",), now: int = NOW, lifetime_s: int = 3600
) -> tokens.IssuedToken:
    client = _client(live)
    authorization = Authorization(client.subject, machine_subject(client.id), CLIENT_CREDENTIALS, lifetime_s)
    proven = Authenticated(client, client.secrets[0])
    return tokens.issue(live.server, authorization, proven, audience=AUDIENCE, permissions=permissions, now=now)


def _reason(server: Server, token: str, now: int = NOW) -> str:
    with pytest.raises(InvalidTokenError) as refused:
        tokens.verify(server, token, now)
    return refused.value.description


def test_whatever_is_issued_is_accepted_until_the_second_in_which_it_expires(api: Live) -> None:
    @given(permissions=NAMES, now=MOMENTS, lifetime_s=st.integers(1, 10**7))
    def holds(permissions: list[str], now: int, lifetime_s: int) -> None:
        issued = _issue(api, tuple(permissions), now, lifetime_s)
        claims = tokens.verify(api.server, issued.text, now + lifetime_s - 1)
        assert claims == issued.claims
        assert claims.permissions == permissions
        assert claims.scope.split() == permissions
        assert claims.exp - claims.iat == issued.lifetime_s == lifetime_s
        assert "expired 0 seconds ago" in _reason(api.server, issued.text, now + lifetime_s)

    holds()


def test_no_two_tokens_have_the_same_identifier(api: Live) -> None:
    assert len({_issue(api).claims.jti for _ in range(50)}) == 50


def test_a_token_that_was_issued_does_not_print_itself(api: Live) -> None:
    issued = _issue(api)

    assert issued.text not in repr(issued)
    assert issued.text.rpartition(".")[2] not in repr(issued)


@pytest.mark.parametrize(
    ("claims", "now", "told"),
    [
        ({}, NOW + 3600 + 180, "The token expired 3 minutes ago. Get a new one."),
        ({"aud": "https://x.example"}, NOW, f"This token is for audience https://x.example, this API is {AUDIENCE}."),
        ({"iss": "https://x.example/"}, NOW, f"The token was issued by https://x.example/, this server is {ISSUER}."),
        ({"iat": NOW + 61}, NOW, "The token was issued in the future: a clock is wrong."),
        ({"gty": "password"}, NOW, "The token's sub, client_id and gty do not belong together."),
        ({"jti": None}, NOW, "The token lacks a claim, or has one of the wrong type."),
        ({"permissions": "read:patient"}, NOW, "The token lacks a claim, or has one of the wrong type."),
    ],
)
def test_a_token_of_our_own_key_is_told_what_is_wrong_with_it(
    api: Live, claims: dict[str, Any], now: int, told: str
) -> None:
    token = api.sign(api.claims(api.world.alder, **claims))

    assert _reason(api.server, token, now) == told


def test_a_token_of_another_key_is_not_told_what_it_says(api: Live) -> None:
    attacker = SigningKey(api.world.current_key.key_id, "RS256", new_signing_key().private)
    claims = api.claims(api.world.alder, aud="https://x.example", exp=1)
    told = _reason(api.server, api.sign(claims, key=attacker))

    assert told == "The token's signature does not verify: it was changed, or not issued here."


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x", "The token is malformed: it is not three base64url parts joined by dots."),
        ("a.b.c", "The token is malformed: one of its parts has a length that base64url cannot have."),
        ("A" * 8_193, "The token is longer than any that this server issues."),
    ],
)
def test_a_text_that_is_no_token_is_told_so(api: Live, text: str, told: str) -> None:
    assert _reason(api.server, text) == told


def test_what_was_verified_before_is_still_asked_for_its_time(api: Live) -> None:
    issued = _issue(api)
    assert tokens.verify(api.server, issued.text, NOW) == issued.claims
    assert api.server.verified.find(VerifiedTokens.key(issued.text)) is not None

    assert "expired" in _reason(api.server, issued.text, NOW + 3600)
    assert "future" in _reason(api.server, issued.text, NOW - 61)


def test_what_was_verified_before_is_still_asked_for_its_key(sqlite_live: Live) -> None:
    issued = _issue(sqlite_live, lifetime_s=100_000)
    tokens.verify(sqlite_live.server, issued.text, NOW)

    def rotate(transaction: Transaction) -> None:
        key = sqlite_live.world.settings.sealing_key
        signing_keys.rotate(transaction, new_signing_key(), key, NOW, published_for_s=0, verify_for_s=60)

    sqlite_live.server.database.write(rotate)
    assert tokens.verify(sqlite_live.server, issued.text, NOW + 59) == issued.claims

    assert "not signed with a key that this server publishes" in _reason(sqlite_live.server, issued.text, NOW + 60)
    assert sqlite_live.server.verified.find(VerifiedTokens.key(issued.text)) is None


def test_what_was_refused_is_not_remembered(api: Live) -> None:
    token = _issue(api).text[:-8] + "AAAAAAAA"
    _reason(api.server, token)

    assert api.server.verified.find(VerifiedTokens.key(token)) is None


def test_the_memory_of_verified_tokens_is_bounded_and_drops_the_oldest(api: Live) -> None:
    memory, claims = VerifiedTokens(limit=10), _issue(api).claims
    for number in range(25):
        memory.remember(VerifiedTokens.key(str(number)), "key", claims)
    kept = [number for number in range(25) if memory.find(VerifiedTokens.key(str(number))) is not None]

    assert len(kept) <= 10
    assert kept == list(range(kept[0], 25))


def test_memory_holds_no_usable_token(api: Live) -> None:
    token = _issue(api).text
    tokens.verify(api.server, token, NOW)

    assert VerifiedTokens.key(token) not in token.encode()
    assert len(VerifiedTokens.key(token)) == 32


def test_a_token_issued_in_the_second_of_a_revocation_is_dated_after_it(sqlite_live: Live) -> None:
    sqlite_live.server.database.write(lambda tx: clients.revoke_tokens(tx, sqlite_live.world.alder.client_id, NOW))
    issued = _issue(sqlite_live, now=NOW)

    assert issued.claims.iat == NOW + 1
    assert issued.claims.exp - issued.claims.iat == issued.lifetime_s
    assert tokens.verify(sqlite_live.server, issued.text, NOW) == issued.claims
    assert holders.revocation(issued.claims, _client(sqlite_live)) is None


def _claims(live: Live, **changes: Any) -> AccessClaims:
    return msgspec.convert(live.claims(live.world.alder, **changes), AccessClaims)


def test_a_token_that_nothing_ended_holds(api: Live) -> None:
    assert holders.revocation(_claims(api), _client(api)) is None


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"disabled": True}, "is disabled"),
        ({"organization_id": "org_other"}, "is disabled"),
        ({"tokens_valid_after": NOW + 1}, "before a certain moment was revoked"),
        ({"secrets": ()}, "secret that this token was issued with was revoked"),
    ],
)
def test_a_token_that_something_ended_is_told_what(api: Live, changes: dict[str, Any], told: str) -> None:
    client = dataclasses.replace(_client(api), **changes)

    assert told in str(holders.revocation(_claims(api), client))


def test_a_token_of_a_client_that_is_gone_does_not_hold(api: Live) -> None:
    assert holders.revocation(_claims(api), None) is not None


def test_a_revoked_secret_ends_its_tokens_and_an_expired_one_does_not(api: Live) -> None:
    client = _client(api)
    expired = dataclasses.replace(client.secrets[0], expires_at=NOW - 1)
    revoked = dataclasses.replace(client.secrets[0], revoked_at=NOW - 1)
    claims = _claims(api)

    assert holders.revocation(claims, dataclasses.replace(client, secrets=(expired,))) is None
    assert holders.revocation(claims, dataclasses.replace(client, secrets=(revoked,))) is not None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "1 minute"),
        (180, "3 minutes"),
        (3_599, "59 minutes"),
        (3_600, "1 hour"),
        (86_399, "23 hours"),
        (86_400, "1 day"),
        (172_800, "2 days"),
    ],
)
def test_a_length_of_time_is_told_in_the_largest_unit_that_fits(seconds: int, text: str) -> None:
    assert tokens.duration(seconds) == text


def test_the_claims_stand_in_the_token_as_they_were_decided(api: Live) -> None:
    issued = _issue(api)
    header, claims = decode(issued.text)

    assert header == {"alg": "RS256", "typ": "at+jwt", "kid": api.world.current_key.key_id}
    assert msgspec.convert(claims, AccessClaims) == issued.claims
