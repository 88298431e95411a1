"""Logout tokens: how a client hears that a session of its people ended (OpenID Connect Back-Channel Logout §2.4)."""

from dataclasses import dataclass, field
from typing import Final

import msgspec
import structlog

from rxauth.crypto.jws import SignerUnavailableError
from rxauth.domain import clients, sessions
from rxauth.oauth.server import Server
from rxauth.oauth.tokens import new_jti
from rxauth.storage.database import Transaction

LIFETIME_S: Final = 120
_log = structlog.get_logger("rxauth.logout")
_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"


@dataclass(frozen=True, slots=True)
class Notice:
    """A logout token, and where it goes."""

    url: str
    client_id: str
    token: str = field(repr=False)


def addresses(transaction: Transaction, session_id: str) -> dict[str, str]:
    """Returns where the clients of a session want to hear of its end, by client; those that do not are left out."""
    found = (clients.load(transaction, client_id) for client_id in sessions.clients_of(transaction, session_id))
    return {
        client.id: client.backchannel_logout_uri
        for client in found
        if client is not None and not client.disabled and client.backchannel_logout_uri is not None
    }


def notices(server: Server, session_id: str, user_id: str) -> tuple[Notice, ...]:
    """Signs the logout tokens of a session that was ended; blocks its thread. What cannot be signed is not told."""
    found = server.database.read(lambda tx: addresses(tx, session_id))
    try:
        return _signed(server, session_id, user_id, found)
    except SignerUnavailableError:
        _log.warning("logout_notices_lost", clients=len(found))
        return ()


def _signed(server: Server, session_id: str, user_id: str, found: dict[str, str]) -> tuple[Notice, ...]:
    return tuple(_notice(server, session_id, user_id, client_id, url) for client_id, url in found.items())


def _notice(server: Server, session_id: str, user_id: str, client_id: str, url: str) -> Notice:
    now = server.clock.seconds()
    claims = {
        "iss": server.issuer,
        "sub": user_id,
        "aud": client_id,
        "iat": now,
        "exp": now + LIFETIME_S,
        "jti": new_jti(now),
        "sid": session_id,
        "events": {_EVENT: {}},
    }
    return Notice(url, client_id, server.keys.logout_token_signer.sign(msgspec.json.encode(claims)))
