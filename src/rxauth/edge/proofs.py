"""What people prove with: each proof is read, judged where it may take its time, and settled in one transaction."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from rxauth.crypto import passwords as hashes
from rxauth.domain import failed_proofs, known_browsers, passwords
from rxauth.domain.audit import ANONYMOUS, Act, Actor, Event
from rxauth.domain.sessions import Proof
from rxauth.edge.context import Edge
from rxauth.oauth import sign_in
from rxauth.oauth.authorization_request import AuthorizationResponse
from rxauth.oauth.browser import Browser
from rxauth.oauth.errors import TooManyRequestsError
from rxauth.oauth.page_request import PageRequest
from rxauth.oauth.sign_in import UnderWay
from rxauth.oauth.step_kinds import LogIn
from rxauth.policy.assurance import PASSWORD
from rxauth.storage.database import Transaction

# One text for every cause: nobody learns which addresses have an account, or which are shut for a while (S-01).
WRONG: Final = (
    "This address and this password do not open an account. Check both, or wait a few minutes if you tried often."
)

_SIGNING_IN: Final = "sign-in"  # in the place of a client, for the limit of failures from one network


@dataclass(frozen=True, slots=True)
class Done:
    """What a form did. problem: what to tell its person, None if all is well; handle: the browser's new one.

    recovery_codes: those just made, to be shown this once. outcome: what the sign-in came to, None if it goes on. kept:
    what the browser is to keep of its person, see `domain.known_browsers`.
    """

    problem: str | None = None
    handle: str | None = field(default=None, repr=False)
    recovery_codes: tuple[str, ...] = field(default=(), repr=False)
    outcome: AuthorizationResponse | PageRequest | None = None
    kept: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Judgement:
    """How a proof is judged. verdict: returns the person who proved itself, or None.

    known: whom a failure is counted against, None: nobody. problem: what its person is told then. may_finish: whether
    the sign-in may end with this proof; not if something is to be shown before. can_be_guessed: not so a signature:
    then no failures before stand in the way of it.
    """

    verdict: Callable[[Transaction], str | None]
    methods: tuple[str, ...]
    known: str | None
    problem: str
    may_finish: bool = True
    can_be_guessed: bool = True


async def password(edge: Edge, one: UnderWay, browser: Browser, fields: Mapping[str, str]) -> Done:
    """Judges an address and a password."""
    email, typed = fields.get("email", ""), fields.get("password", "")
    if not email.strip() or not typed:
        return Done("Enter your password." if email.strip() else "Enter your e-mail address and your password.")
    database = edge.server.database
    attempt = await edge.in_thread(database.read, lambda tx: passwords.begin(tx, email))
    _require_patience(edge, browser, None if attempt.user is None else attempt.user.id)
    verdict = await edge.slow.run(hashes.judge, typed, attempt.stored, edge.password_cost)
    known = None if attempt.user is None else attempt.user.id
    wanted = one.step.user_id if isinstance(one.step, LogIn) else None

    def judge(transaction: Transaction) -> str | None:
        user = passwords.settle(transaction, attempt, verdict)
        is_expected = user is not None and wanted in {None, user.id}
        return user.id if user is not None and is_expected else None

    return await settle(edge, one, browser, Judgement(judge, (PASSWORD,), known, WRONG))


async def settle(edge: Edge, one: UnderWay, browser: Browser, judgement: Judgement) -> Done:
    """Judges a proof, and adds it to the sign-in or counts the failure, in one transaction."""
    known = judgement.known
    is_known = known is not None and known_browsers.is_known(edge.known_browsers_key, browser.kept, known)

    def work(transaction: Transaction) -> Done:
        again = sign_in.under_way(edge.server, transaction, one.sign_in.id, browser)
        if again is None or type(again.step) is not type(one.step):
            return Done()  # another tab was faster; what is due now is shown
        now = edge.server.clock.seconds()
        if known is not None:
            failed_proofs.begin_attempt(transaction, known)
        is_blocked = (
            known is not None
            and judgement.can_be_guessed
            and failed_proofs.wait_s(transaction, known, now, is_known=is_known) > 0
        )
        user_id = None if is_blocked else judgement.verdict(transaction)
        if user_id is None:
            if known is not None and judgement.can_be_guessed and not is_blocked:
                failed_proofs.count(transaction, known, now, is_known=is_known)
            return Done(judgement.problem)
        if judgement.can_be_guessed:
            failed_proofs.clear(transaction, user_id, is_known=is_known)
        proof = Proof(user_id, judgement.methods, browser.network, browser.device)
        handle = sign_in.prove(edge.server, transaction, again, proof, browser)
        if handle is None:
            return Done()
        kept = known_browsers.introduced(edge.known_browsers_key, browser.kept, user_id)
        if not judgement.may_finish:
            return Done(handle=handle, kept=kept)
        # Most sign-ins end with the proof: one transaction, and one commit, for both.
        signed_in = replace(browser, handle=handle)
        after = sign_in.under_way(edge.server, transaction, one.sign_in.id, signed_in)
        outcome = None if after is None else sign_in.finish(edge.server, transaction, after)
        return Done(handle=handle, outcome=outcome, kept=kept)

    done: Done = await edge.in_thread(edge.server.database.write, work)
    if done.problem is not None:
        if not is_known:
            edge.limiter.count_failure(browser.network, _SIGNING_IN)
        actor = ANONYMOUS if known is None else Actor("person", known)
        edge.refusals.note(Act(Event.SIGN_IN_REFUSED, actor, reason=judgement.methods[0], network=browser.network))
    return done


def _require_patience(edge: Edge, browser: Browser, user_id: str | None) -> None:
    """Checks that a password may be tried from here now; a browser that the person signed in with before always may.

    Raises:
        TooManyRequestsError: too many failed from this network.
    """
    if user_id is not None and known_browsers.is_known(edge.known_browsers_key, browser.kept, user_id):
        return
    wait_s = edge.limiter.wait_s(browser.network, _SIGNING_IN)
    if wait_s:
        told = "Too many attempts to sign in failed in this network. Try again later, or use a passkey."
        raise TooManyRequestsError(told, wait_s)
