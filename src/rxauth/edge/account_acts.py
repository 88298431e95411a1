"""What the forms of an account do: each act is one transaction, with its audit record and its notice to the person."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from rxauth.crypto import passwords as hashes
from rxauth.crypto import qr
from rxauth.domain import (
    audit,
    email_changes,
    factors,
    failed_proofs,
    known_browsers,
    letters,
    own_account,
    password_changes,
    password_rules,
    passwords,
    sessions,
    totp,
    users,
)
from rxauth.domain.audit import Act, Actor, Event
from rxauth.domain.errors import InvalidError
from rxauth.domain.sessions import Session
from rxauth.edge import profile_fields
from rxauth.edge.context import Edge
from rxauth.edge.second_factors import asker
from rxauth.edge.visits import Visit, outbox
from rxauth.storage.database import Transaction

NOTICES: Final = MappingProxyType(
    {
        "profile": "Your profile was saved.",
        "email": "We sent a link to the new address. It counts once you open the link.",
        "password": "Your password was changed. Every other session was ended.",
        "factor_added": "The second factor was added.",
        "factor_removed": "The second factor was removed.",
        "kept": "Keep your recovery codes in a safe place.",
        "ended": "The session was ended.",
        "revoked": "The application no longer has access.",
    }
)
AT_FAULT: Final = MappingProxyType(
    {"profile": "first_name", "email": "new_email", "password": "current_password", "totp": "code"}
)


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a form. done: the notice that says so; problem: what was wrong; page: the page that comes next.

    place: the field that the problem is about; None: the one that is usually at fault.
    """

    done: str = ""
    problem: str | None = None
    place: str | None = None
    page: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)


async def change_profile(edge: Edge, visitor: Visit, fields: Mapping[str, str]) -> Result:
    """Changes the person's name, numbers and address."""
    user, changed = visitor.user, profile_fields.changes(visitor.user, fields)

    def work(tx: Transaction) -> None:
        own_account.require_own_profile(tx, visitor.session)
        if changed:
            users.change_profile(tx, user.id, edge.server.clock.seconds(), **changed)
            _record(edge, tx, visitor, Event.PROFILE_CHANGED)

    await edge.in_thread(edge.server.database.write, work)
    return Result("profile")


async def change_email(edge: Edge, visitor: Visit, fields: Mapping[str, str]) -> Result:
    """Sends a link to a new address; the old one counts until it is opened."""

    def work(tx: Transaction) -> None:
        now = edge.server.clock.seconds()
        factors.require_fresh(tx, visitor.session, now)
        email_changes.ask(tx, visitor.user.id, fields.get("new_email", ""), outbox(edge.server), now)

    await edge.in_thread(edge.server.database.write, work)
    return Result("email")


async def change_password(edge: Edge, visitor: Visit, fields: Mapping[str, str]) -> Result:
    """Changes the password of somebody who knows the present one."""
    own_account.require_own(visitor.session, "change your password")
    database, user, now = edge.server.database, visitor.user, edge.server.clock.seconds()
    new = fields.get("password", "")
    has_second = await edge.in_thread(database.read, lambda tx: factors.has_second(tx, user.id))
    organizations = [one.organization_name for one in visitor.person.memberships.values()]
    words = password_rules.words_of(user.email, user.name, organizations)
    password_rules.require_acceptable(new, words, has_second_factor=has_second)
    attempt = await edge.in_thread(database.read, lambda tx: passwords.begin_for(tx, user.id))
    verdict = await edge.slow.run(hashes.judge, fields.get("current_password", ""), attempt.stored, edge.password_cost)
    new_hash = await edge.slow.run(hashes.new_hash, new, edge.password_cost) if verdict.is_right else ""

    ended: list[str] = []

    is_known = known_browsers.is_known(edge.known_browsers_key, visitor.browser.kept, user.id)

    def work(tx: Transaction) -> Result:
        ended.clear()
        failed_proofs.begin_attempt(tx, user.id)
        is_blocked = failed_proofs.wait_s(tx, user.id, now, is_known=is_known) > 0
        if is_blocked or passwords.settle(tx, attempt, verdict) is None:
            if not is_blocked:
                failed_proofs.count(tx, user.id, now, is_known=is_known)
            return Result(
                problem="The present password is wrong, or was tried too often. Wait a little, and try again."
            )
        failed_proofs.clear(tx, user.id, is_known=is_known)
        ended.extend(one.id for one in sessions.of_user(tx, user.id) if one.id != visitor.session.id)
        password_changes.change(tx, user.id, new_hash, outbox(edge.server), now, but_session=visitor.session.id)
        _record(edge, tx, visitor, Event.PASSWORD_CHANGED)
        return Result("password")

    result: Result = await edge.in_thread(database.write, work)
    await edge.tell_clients(user.id, ended)
    return result


async def begin_totp(edge: Edge, visitor: Visit, _fields: Mapping[str, str]) -> Result:
    """Shows the key of a new authenticator app."""

    def work(tx: Transaction) -> totp.Enrolment:
        now = edge.server.clock.seconds()
        factors.require_fresh(tx, visitor.session, now)
        return totp.begin(tx, visitor.user.id, edge.server.sealing_key, now)

    begun: totp.Enrolment = await edge.in_thread(edge.server.database.write, work)
    return _set_up_page(visitor, begun, None)


async def confirm_totp(edge: Edge, visitor: Visit, fields: Mapping[str, str]) -> Result:
    """Puts the new authenticator app to use."""
    server, user_id = edge.server, visitor.user.id

    def work(tx: Transaction) -> Result:
        now = server.clock.seconds()
        factors.require_fresh(tx, visitor.session, now)
        if factors.confirm_totp(tx, user_id, fields.get("code", ""), server.sealing_key, now):
            return _added(edge, tx, visitor, "an authenticator app")
        begun = totp.pending(tx, user_id, server.sealing_key, now)
        if begun is None:
            return Result(problem="That took too long. Begin again.")
        return _set_up_page(visitor, begun, "This code is wrong. Wait for the next one, and type all six digits.")

    result: Result = await edge.in_thread(server.database.write, work)
    return result


async def add_passkey(edge: Edge, visitor: Visit, fields: Mapping[str, str]) -> Result:
    """Adds a passkey."""
    answer, name = fields.get("passkey", ""), fields.get("name", "").strip() or "Passkey"

    def work(tx: Transaction) -> Result:
        now = edge.server.clock.seconds()
        factors.require_fresh(tx, visitor.session, now)
        who = asker(edge.server, visitor.browser)
        if factors.add_passkey(tx, visitor.user.id, who, answer, now, name=name) is None:
            return Result(problem="The passkey could not be added. Try again.")
        return _added(edge, tx, visitor, "a passkey")

    result: Result = await edge.in_thread(edge.server.database.write, work)
    return result


async def remove_totp(edge: Edge, visitor: Visit, _fields: Mapping[str, str]) -> Result:
    """Removes the authenticator app."""
    return await _remove(
        edge, visitor, "an authenticator app", lambda tx, now: factors.remove_totp(tx, visitor.user.id, now)
    )


async def remove_passkey(edge: Edge, visitor: Visit, fields: Mapping[str, str]) -> Result:
    """Removes a passkey."""
    chosen = fields.get("passkey_id", "")
    return await _remove(
        edge, visitor, "a passkey", lambda tx, now: factors.remove_passkey(tx, visitor.user.id, chosen, now)
    )


async def make_recovery_codes(edge: Edge, visitor: Visit, _fields: Mapping[str, str]) -> Result:
    """Makes new recovery codes, and shows them this once."""

    def work(tx: Transaction) -> tuple[str, ...]:
        now = edge.server.clock.seconds()
        factors.require_fresh(tx, visitor.session, now)
        if not factors.has_second(tx, visitor.user.id):
            raise InvalidError("recovery codes stand in for another factor: add one first")
        return factors.make_recovery_codes(tx, visitor.user.id, now)

    codes = await edge.in_thread(edge.server.database.write, work)
    return Result(page="recovery_codes.html", values={"codes": codes})


async def end_session(edge: Edge, visitor: Visit, fields: Mapping[str, str]) -> Result:
    """Ends one of the person's sessions."""
    chosen = fields.get("session_id", "")
    return await _end(edge, visitor, lambda mine: [one.id for one in mine if one.id == chosen])


async def end_others(edge: Edge, visitor: Visit, _fields: Mapping[str, str]) -> Result:
    """Ends every session of the person but this one."""
    return await _end(edge, visitor, lambda mine: [one.id for one in mine if one.id != visitor.session.id])


async def revoke_app(edge: Edge, visitor: Visit, fields: Mapping[str, str]) -> Result:
    """Takes a consent back, and with it every token of the application."""
    client_id = fields.get("client_id", "")

    def work(tx: Transaction) -> None:
        at_us, network = edge.server.clock.microseconds(), visitor.browser.network
        own_account.take_consent_back(tx, visitor.session, client_id, at_us, network)

    await edge.in_thread(edge.server.database.write, work)
    return Result("revoked")


async def _end(edge: Edge, visitor: Visit, chosen: Callable[[list[Session]], list[str]]) -> Result:
    def work(tx: Transaction) -> list[str]:
        at_us = edge.server.clock.microseconds()
        mine = own_account.seen_from(visitor.session, sessions.of_user(tx, visitor.user.id))
        return own_account.end_sessions(tx, visitor.user.id, chosen(mine), at_us, visitor.browser.network)

    await edge.tell_clients(visitor.user.id, await edge.in_thread(edge.server.database.write, work))
    return Result("ended")


async def _remove(edge: Edge, visitor: Visit, what: str, remove: Any) -> Result:
    def work(tx: Transaction) -> None:
        now = edge.server.clock.seconds()
        factors.require_fresh(tx, visitor.session, now)
        remove(tx, now)
        outbox(edge.server).put(tx, letters.factor_removed(visitor.user.email, what), now)

    await edge.in_thread(edge.server.database.write, work)
    return Result("factor_removed")


def _added(edge: Edge, tx: Transaction, visitor: Visit, what: str) -> Result:
    """Tells the person of a new factor, and gives it recovery codes if it has none."""
    now = edge.server.clock.seconds()
    outbox(edge.server).put(tx, letters.factor_added(visitor.user.email, what), now)
    if factors.of(tx, visitor.user.id).recovery_codes_left > 0:
        return Result("factor_added")
    codes = factors.make_recovery_codes(tx, visitor.user.id, now)
    return Result(page="recovery_codes.html", values={"codes": codes})


def _set_up_page(visitor: Visit, begun: totp.Enrolment, problem: str | None) -> Result:
    values = {
        "reason": "From now on every sign-in asks for a code of this app too.",
        "email": visitor.user.email,
        "qr_svg": qr.as_svg(begun.uri),
        "secret": begun.secret,
        "passkey_options": None,
        "cancel_url": "/account/security",
        "error": problem,
    }
    return Result(page="set_up_factor.html", values=values)


def _record(edge: Edge, tx: Transaction, visitor: Visit, event: Event, target: str | None = None) -> None:
    actor = Actor("person", visitor.user.id)
    act = Act(event, actor, target=target or visitor.user.id, network=visitor.browser.network)
    audit.record(tx, act, edge.server.clock.microseconds())
