"""What the pages of an account show."""

from collections.abc import Mapping
from typing import Any

from rxauth.domain import consents, factors, own_account, passkeys, sessions
from rxauth.domain.password_rules import LEAST_CHARACTERS, LEAST_WITH_SECOND_FACTOR
from rxauth.edge import profile_fields
from rxauth.edge.second_factors import asker
from rxauth.edge.visits import Visit
from rxauth.oauth.server import Server
from rxauth.policy.permissions import BY_NAME
from rxauth.storage.database import Transaction

Values = dict[str, Any]


def profile(_server: Server, _transaction: Transaction, visitor: Visit, typed: Mapping[str, str]) -> Values:
    """Returns the person's names, numbers and addresses; what was typed stays."""
    there = profile_fields.shown(visitor.user)
    return {
        "there": {name: typed.get(name, text) for name, text in there.items()},
        "was": {f"was_{name}": text for name, text in there.items()},
        "pending_email": None,
        "typed_email": typed.get("new_email", ""),
    }


def security(server: Server, transaction: Transaction, visitor: Visit, _typed: Mapping[str, str]) -> Values:
    """Returns how the person signs in."""
    user_id, now = visitor.user.id, server.clock.seconds()
    mine = factors.of(transaction, user_id)
    return {
        "password_minimum": LEAST_WITH_SECOND_FACTOR if mine.methods else LEAST_CHARACTERS,
        "totp_added_at": mine.totp_since,
        "passkeys": [
            {"id": one.id, "name": one.name, "added_at": one.created_at, "last_used_at": one.last_used_at}
            for one in mine.passkeys
        ],
        "recovery_codes_left": mine.recovery_codes_left,
        "required_by": factors.required_by(transaction, user_id, visitor.session.confined_to),
        "passkey_options": passkeys.registration_options(transaction, user_id, asker(server, visitor.browser), now),
    }


def sessions_of(server: Server, transaction: Transaction, visitor: Visit, _typed: Mapping[str, str]) -> Values:
    """Returns where the person is signed in."""
    now = server.clock.seconds()
    mine = own_account.seen_from(visitor.session, sessions.of_user(transaction, visitor.user.id))
    live = [one for one in mine if one.is_live(server.lifetimes.sessions, now)]
    return {
        "sessions": [
            {
                "id": one.id,
                "device": one.device,
                "network": one.network,
                "created_at": one.created_at,
                "last_seen_at": one.last_seen_at,
                "is_current": one.id == visitor.session.id,
            }
            for one in live
        ]
    }


def apps(_server: Server, transaction: Transaction, visitor: Visit, _typed: Mapping[str, str]) -> Values:
    """Returns the applications of others that the person agreed to."""
    return {
        "apps": [
            {
                "client_id": one.client_id,
                "name": one.client_name,
                "organization_name": None,
                "permissions": [BY_NAME[name].meaning for name in one.scope.split() if name in BY_NAME],
                "agreed_at": one.given_at,
            }
            for one in consents.of_user(transaction, visitor.user.id)
        ]
    }
