"""Second factors in a sign-in: proven, or set up because they are asked for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from rxauth.crypto import secrets
from rxauth.domain import factors, passkeys, recovery_codes, totp
from rxauth.domain.errors import DomainError
from rxauth.domain.passkeys import METHODS, Asker, relying_party
from rxauth.edge.context import Edge
from rxauth.edge.proofs import Done, Judgement, settle
from rxauth.oauth.browser import Browser
from rxauth.oauth.server import Server
from rxauth.oauth.sign_in import UnderWay
from rxauth.oauth.step_kinds import LogIn, ProveSecondFactor, SetUpSecondFactor
from rxauth.policy.assurance import ONE_TIME_CODE, RECOVERY_CODE
from rxauth.storage.database import Transaction

_WRONG_CODE = "This code is wrong, or was used already. Wait for the next one, and type all six digits."
_WRONG_RECOVERY_CODE = "This is none of your recovery codes, or it was used already."
_WRONG_PASSKEY = "This passkey did not open an account. Try again, or use another way."
_NOT_ADDED = "The passkey could not be added. Try again."


def asker(server: Server, browser: Browser) -> Asker:
    """Returns who asks a browser for a passkey."""
    return Asker(relying_party(server.issuer), secrets.digest(browser.handle or ""))


async def totp_code(edge: Edge, one: UnderWay, browser: Browser, fields: Mapping[str, str]) -> Done:
    """Judges the code of an authenticator app."""
    user_id, typed = _who(one), fields.get("code", "")

    def verdict(transaction: Transaction) -> str | None:
        server = edge.server
        is_right = totp.verify(transaction, user_id, typed, server.sealing_key, server.clock.seconds())
        return user_id if is_right else None

    return await settle(edge, one, browser, Judgement(verdict, (ONE_TIME_CODE,), user_id, _WRONG_CODE))


async def recovery_code(edge: Edge, one: UnderWay, browser: Browser, fields: Mapping[str, str]) -> Done:
    """Judges a recovery code."""
    user_id, typed = _who(one), fields.get("code", "")

    def verdict(transaction: Transaction) -> str | None:
        return user_id if recovery_codes.use(transaction, user_id, typed, edge.server.clock.seconds()) else None

    return await settle(edge, one, browser, Judgement(verdict, (RECOVERY_CODE,), user_id, _WRONG_RECOVERY_CODE))


async def passkey(edge: Edge, one: UnderWay, browser: Browser, fields: Mapping[str, str]) -> Done:
    """Judges the answer of a passkey: of the person who is expected, or of whoever it names."""
    expected, answer = _who(one) or None, fields.get("passkey", "")

    def verdict(transaction: Transaction) -> str | None:
        now = edge.server.clock.seconds()
        return passkeys.authenticate(transaction, expected, asker(edge.server, browser), answer, now)

    return await settle(edge, one, browser, Judgement(verdict, METHODS, expected, _WRONG_PASSKEY, can_be_guessed=False))


async def set_up_totp(edge: Edge, one: UnderWay, browser: Browser, fields: Mapping[str, str]) -> Done:
    """Puts an authenticator app to use, and counts its first code as the second factor."""
    user_id, typed, server = _who(one), fields.get("code", ""), edge.server
    if isinstance(one.step, SetUpSecondFactor) and one.step.passkey:
        return Done("Your organization asks for a passkey: add one.")

    def add(transaction: Transaction) -> bool:
        return factors.confirm_totp(transaction, user_id, typed, server.sealing_key, server.clock.seconds())

    return await _set_up(edge, one, browser, add, Proving(user_id, (ONE_TIME_CODE,), _WRONG_CODE))


async def set_up_passkey(edge: Edge, one: UnderWay, browser: Browser, fields: Mapping[str, str]) -> Done:
    """Adds a passkey, and counts having made it as the second factor."""
    user_id, answer, name = _who(one), fields.get("passkey", ""), fields.get("name", "").strip() or "Passkey"
    if isinstance(one.step, SetUpSecondFactor) and one.step.opens_nothing:
        return Done("Set up an authenticator app: a passkey would open the account by itself.")

    def add(transaction: Transaction) -> bool:
        now = edge.server.clock.seconds()
        return (
            factors.add_passkey(transaction, user_id, asker(edge.server, browser), answer, now, name=name) is not None
        )

    return await _set_up(edge, one, browser, add, Proving(user_id, METHODS, _NOT_ADDED))


@dataclass(frozen=True, slots=True)
class Proving:
    """Whose factor is set up, what it proves, and what its person is told if that fails."""

    user_id: str
    methods: tuple[str, ...]
    problem: str


async def _set_up(
    edge: Edge, one: UnderWay, browser: Browser, add: Callable[[Transaction], bool], proving: Proving
) -> Done:
    """Adds a factor, counts it as proven, and makes recovery codes for somebody who has none."""
    made: list[str] = []

    def verdict(transaction: Transaction) -> str | None:
        made.clear()
        if not add(transaction):
            return None
        if recovery_codes.left(transaction, proving.user_id) == 0:
            now = edge.server.clock.seconds()
            made.extend(factors.make_recovery_codes(transaction, proving.user_id, now))
        return proving.user_id

    try:
        done = await settle(
            edge, one, browser, Judgement(verdict, proving.methods, proving.user_id, proving.problem, may_finish=False)
        )
    except DomainError as error:
        return Done(f"{str(error)[:1].upper()}{str(error)[1:]}.")
    return replace(done, recovery_codes=tuple(made))


def _who(one: UnderWay) -> str:
    """Returns whose factor is asked for; empty: nobody said who it is yet."""
    return (one.step.user_id or "") if isinstance(one.step, (LogIn, ProveSecondFactor, SetUpSecondFactor)) else ""
