"""Tokens of people who proved one factor or two, and what the audit log has of their acts."""

from typing import Any

from rxauth.domain.audit_sequencer import Sequencer
from tests.live import Live
from tests.token_holders import Holders

TWO_FACTORS = ("pwd", "otp")


def token(holders: Holders, user_id: str, methods: tuple[str, ...] = TWO_FACTORS) -> str:
    """Returns a token of a new sign-in with these methods."""
    session, _ = holders.session(user_id, methods)
    return str(holders.redeemed(holders.code(session))["access_token"])


def number(live: Live) -> None:
    """Numbers what waits in the audit log."""
    Sequencer(live.server.database, live.clock, live.server.sealing_key, None).work_once()


def entries(live: Live, reader: str, *events: str) -> list[dict[str, Any]]:
    """Returns the numbered entries of some events, oldest first, as an auditor reads them."""
    number(live)
    document = """query($event: String) { auditEntries(event: $event, first: 100) { entries {
      id seq at event outcome actorKind actorId target reason count details { name value }
    } next } }"""
    found = []
    for event in events:
        shown = live.data(reader, document, {"event": event})["auditEntries"]
        assert shown["next"] is None
        found += [one | {"details": {d["name"]: d["value"] for d in one["details"]}} for one in shown["entries"]]
    return sorted(found, key=lambda one: int(one["seq"]))
