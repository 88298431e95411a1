"""The one way into the console: an operator, with two factors, in the transaction that shows or does something."""

from dataclasses import dataclass

from rxauth.domain import operators
from rxauth.edge.visits import Visit, visitor
from rxauth.oauth.browser import Browser
from rxauth.oauth.page_request import PageRequest
from rxauth.oauth.server import Server
from rxauth.policy.assurance import Authentication, acr_of
from rxauth.policy.operators import ACR, Operator, TooWeak, as_operator
from rxauth.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class Entered:
    """An operator at the console. proof: what every function of the console demands."""

    visitor: Visit
    proof: Operator


def enter(
    server: Server, transaction: Transaction, browser: Browser, path: str, within_s: int | None = None
) -> Entered | PageRequest | None:
    """Lets an operator in; or says what must be proven first; None: nobody else hears that there is a console.

    within_s: how long ago the two factors may have been proven; None: in this session.
    """
    one = visitor(server, transaction, browser, PageRequest(path))
    if one is None:
        return None
    proof = as_operator(
        transaction,
        one.user.id,
        Authentication(acr_of(one.session.methods), one.session.authenticated_at),
        is_operator=operators.is_operator(transaction, one.user.id),
        network=browser.network,
    )
    if proof is None:
        return None
    if one.session.confined_to is not None:  # the console is no organization's
        return PageRequest(path, acr=ACR, own=True)
    if isinstance(proof, TooWeak):
        return PageRequest(path, acr=ACR)
    if within_s is not None and server.clock.seconds() - proof.proven_at > within_s:
        return PageRequest(path, within_s, acr=ACR)
    return Entered(one, proof)
