"""The first story: a backend exchanges its credential for a token and reads patients with it."""

from tests.live import Live, decode
from tests.world import AUDIENCE, ISSUER, NOW

SCOPE = "read:patient write:patient read:prescription read:order write:order"


def test_a_machine_gets_a_token_and_reads_patients_with_it(live: Live) -> None:
    answer = live.exchange(live.world.alder)

    assert answer.status_code == 200
    assert list(answer.json()) == ["access_token", "scope", "expires_in", "token_type"]
    assert answer.json()["scope"] == SCOPE
    assert answer.json()["expires_in"] == 86400
    assert answer.json()["token_type"] == "Bearer"
    assert answer.headers["cache-control"] == "no-store"

    data = live.data(answer.json()["access_token"], "{ patients { id name { full } } }")
    assert len(data["patients"]) == 24


def test_the_token_says_what_rfc_9068_asks_and_the_clients_read(live: Live) -> None:
    tenant = live.world.alder
    header, claims = decode(live.token(tenant))

    assert header == {"alg": "RS256", "typ": "at+jwt", "kid": live.world.current_key.key_id}
    jti = claims.pop("jti")
    assert len(jti) >= 20
    assert claims == {
        "iss": ISSUER,
        "sub": f"{tenant.client_id}@clients",
        "aud": AUDIENCE,
        "client_id": tenant.client_id,
        "azp": tenant.client_id,
        "scope": SCOPE,
        "permissions": SCOPE.split(),
        "org_id": tenant.organization_id,
        "gty": "client-credentials",
        "iat": NOW,
        "exp": NOW + 86400,
        "secret_id": tenant.secret_id,
    }
