"""ID tokens: who signed in, said to the client that it was for (OpenID Connect Core §2)."""

import hashlib
from collections.abc import Iterable
from typing import Any

from rxauth.crypto.jws import encode_base64url
from rxauth.oauth import released
from rxauth.oauth.claims import AccessClaims
from rxauth.oauth.standing import Standing
from rxauth.policy.assurance import acr_of


def claims(
    access: AccessClaims, access_token: str, one: Standing, scope: Iterable[str], nonce: str | None
) -> dict[str, Any]:
    """Returns what the ID token says that goes with an access token; nonce None: the client sent none."""
    session = one.session
    said: dict[str, Any] = {
        "iss": access.iss,
        "sub": access.sub,
        "aud": access.client_id,
        "azp": access.client_id,
        "iat": access.iat,
        "exp": access.exp,
        "auth_time": session.authenticated_at,
        "acr": acr_of(session.methods),
        "amr": list(session.methods),
        "sid": session.id,
        "at_hash": at_hash(access_token),
    }
    if nonce is not None:
        said["nonce"] = nonce
    if one.membership is not None:
        said["org_id"] = one.membership.organization_id
        # The published clients compare it with what they asked for, in lower case.
        said["org_name"] = one.membership.organization_name.lower()
    return said | released.claims(scope, one.user)


def at_hash(access_token: str) -> str:
    """Returns the left half of the access token's SHA-256, which RS256 calls for (OpenID Connect Core §3.1.3.6)."""
    return encode_base64url(hashlib.sha256(access_token.encode()).digest()[:16])
