"""The client credentials grant: an organization's backend acts for itself (RFC 6749 §4.4)."""

from typing import Final

from rxauth.domain.clients import MACHINE
from rxauth.oauth.claims import CLIENT_CREDENTIALS, machine_subject
from rxauth.oauth.client_auth import Authenticated
from rxauth.oauth.grant import Authorization, Grant
from rxauth.oauth.requests import TokenRequest
from rxauth.oauth.server import Lifetimes


def _authorize(_request: TokenRequest, client: Authenticated, lifetimes: Lifetimes) -> Authorization:
    """The client's own proof is all there is to prove."""
    subject = client.client.subject
    return Authorization(subject, machine_subject(subject.client_id), CLIENT_CREDENTIALS, lifetimes.machine_token_s)


GRANT: Final = Grant("client_credentials", frozenset({MACHINE}), _authorize)
