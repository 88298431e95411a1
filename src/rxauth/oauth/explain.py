"""What a token is, in plain words: for people at a command line, never for an answer over the network."""

import datetime
from dataclasses import dataclass
from typing import Any

from rxauth.crypto import jws
from rxauth.oauth import holders, tokens
from rxauth.oauth.errors import InvalidTokenError
from rxauth.oauth.server import Server
from rxauth.policy import decide
from rxauth.policy.permissions import BY_NAME
from rxauth.policy.subjects import Subject

_SHOWN_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Explanation:
    """Sentences about a token, and whether the server would accept it now."""

    lines: list[str]
    accepted: bool


def explain(server: Server, token: str) -> Explanation:
    """Reads a token, verified or not, and says what the server would do with it."""
    now = server.clock.seconds()
    try:
        compact = jws.take_apart(token)
        claims = jws.read_object(compact.payload, "payload")
    except jws.MalformedError as error:
        return Explanation([f"This is no token of rxauth: {error}.", "The server would refuse it."], accepted=False)
    lines = [_kind(compact.header, claims), *_facts(compact.header, claims, now)]
    try:
        verified = tokens.verify(server, token, now)
        subject = holders.find(server, verified, now)
    except InvalidTokenError as error:
        return Explanation([*lines, f"The server would refuse it. {error.description}"], accepted=False)
    lost = _lost(subject, verified.permissions, now)
    return Explanation([*lines, *lost, "The server would accept it."], accepted=True)


def _lost(subject: Subject, permissions: list[str], now: int) -> list[str]:
    """Says which permissions the token names and its holder does not have, and why."""
    known = [BY_NAME[name] for name in permissions if name in BY_NAME]
    refusals = [(one.name, decide.refusal(one, subject, now)) for one in known]
    return [f"It does not open {name}: {refused.reason}." for name, refused in refusals if refused is not None]


def _kind(header: Any, claims: dict[str, Any]) -> str:
    if str(header.get("typ")) not in {"at+jwt", "application/at+jwt"}:
        kind = "without a type" if header.get("typ") is None else f"of type {_shown(header['typ'])}"
        return f"This is a signed token {kind}, not an access token."
    if str(claims.get("sub", "")).endswith("@clients"):
        return "This is an access token of a machine: an organization's backend."
    return "This is an access token of a person."


def _facts(header: Any, claims: dict[str, Any], now: int) -> list[str]:
    facts = [
        ("signed with", f"{header.get('alg')}, key {header.get('kid')}"),
        ("issued by", claims.get("iss")),
        ("for", claims.get("aud")),
        ("client", claims.get("client_id")),
        ("organization", claims.get("org_id")),
        ("secret", claims.get("secret_id")),
        *([("session", claims["sid"])] if "sid" in claims else []),
        ("permissions", _names(claims.get("permissions"))),
        ("issued", _moment(claims.get("iat"), now)),
        ("expires", _moment(claims.get("exp"), now)),
        ("token id", claims.get("jti")),
    ]
    return [f"  {name:<13}{_shown(value)}" for name, value in facts]


def _shown(value: object) -> str:
    """Returns a claim as a terminal may show it: on one line, without control characters."""
    text = "-" if value is None else str(value)
    return "".join(character if character.isprintable() else "?" for character in text[:_SHOWN_CHARACTERS])


def _names(permissions: object) -> str | None:
    if not isinstance(permissions, list):
        return None
    return ", ".join(map(str, permissions)) or "none"


def _moment(at_s: object, now: int) -> str | None:
    if not isinstance(at_s, int) or isinstance(at_s, bool) or not 0 <= at_s < 2**36:
        return None
    when = datetime.datetime.fromtimestamp(at_s, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    length = tokens.duration(abs(now - at_s))
    return f"{when}, {length} ago" if at_s <= now else f"{when}, in {length}"
