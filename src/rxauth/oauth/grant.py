"""What a grant is: it proves who asks, and never decides what they get."""

from collections.abc import Callable
from dataclasses import dataclass

from rxauth.oauth.client_auth import Authenticated
from rxauth.oauth.requests import TokenRequest
from rxauth.oauth.server import Lifetimes
from rxauth.policy.subjects import Subject


@dataclass(frozen=True, slots=True)
class Authorization:
    """What a grant proved: for whom a token may be issued. Policy decides with what."""

    subject: Subject
    subject_claim: str
    grant_claim: str
    lifetime_s: int


@dataclass(frozen=True, slots=True)
class Grant:
    """A way to a token. app_types: the kinds of client that may use it."""

    name: str
    app_types: frozenset[str]
    authorize: Callable[[TokenRequest, Authenticated, Lifetimes], Authorization]
