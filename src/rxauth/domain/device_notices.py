"""Notices of sign-ins with a kind of browser that a person did not use before."""

from typing import Final

from sqlalchemy import bindparam, select

from rxauth.domain import letters, users
from rxauth.domain.mails import Outbox
from rxauth.domain.paging import first_of
from rxauth.domain.sessions import KEPT_S, Session
from rxauth.domain.users import User
from rxauth.ids import Kind
from rxauth.storage.database import Transaction
from rxauth.storage.tables.sign_in import sessions as table
from rxauth.storage.tenancy import sql

_DEVICES = sql(
    select(table.c.device)
    .where(table.c.user_id == bindparam("user_id"), table.c.id != bindparam("session_id"))
    .distinct()
)
# What a User-Agent has, and what it means. The first that is found wins: most browsers also name others.
_BROWSERS: Final = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "Firefox/": "Firefox",
    "FxiOS/": "Firefox",
    "CriOS/": "Chrome",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
}
_SYSTEMS: Final = {
    "Windows": "Windows",
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Mac OS X": "Mac",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


def device_name(device: str) -> str:
    """Returns what kind of browser a User-Agent stands for, such as "Firefox on Linux".

    A new version of a browser is no new browser, and no word of the text, which its sender chose, is repeated.
    """
    browser = next((name for mark, name in _BROWSERS.items() if mark in device), "another browser")
    system = next((name for mark, name in _SYSTEMS.items() if mark in device), "another system")
    return f"{browser} on {system}"


def tell(transaction: Transaction, session: Session, outbox: Outbox, now: int) -> bool:
    """Writes to a person whose session just began with a kind of browser never seen before; tells whether it did.

    The very first sign-in is news to nobody; of whoever has been known for longer than sessions are kept, none is.
    """
    rows = transaction.all(_DEVICES, user_id=session.user_id, session_id=session.id)
    known, name = {device_name(row.device) for row in rows}, device_name(session.device)
    user = users.find(transaction, session.user_id)
    if user is None or name in known or not (known or _is_known_for_long(user, now)):
        return False
    outbox.put(transaction, letters.new_device(user.email, name), now)
    return True


def _is_known_for_long(user: User, now: int) -> bool:
    return user.id < f"{Kind.USER}_{first_of((now - KEPT_S) * 1_000)}"
