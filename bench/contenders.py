"""Who takes part in a sitting: rxauth on both engines, its peers, and the same app with less in it."""

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from bench import load, names, peers, prescribing, servers, signing_in
from bench.crowd import Crowd
from bench.installation import AUDIENCE, Installation
from bench.load import Load, Post
from bench.machine import Cores
from bench.peers import DjangoPeer, NodePeer
from bench.servers import Command
from bench.sitting import WARM_UP_S, YARDSTICK_S, Contender
from bench.yardsticks import BareCommits, BareCurveSignatures, BareHashes, BareReads, BareSignatures, Yardstick

# What the published clients ask of a patient.
_DOCUMENT: Final = """query patient($id: ID!) {
  patient(id: $id) {
    id externalId name { full } dateOfBirth sex gender email phone
    address { name { full } city country postalCode state street1 street2 }
  }
}"""
_JSON: Final = {"content-type": "application/json"}
_TOKENS: Final = 500  # that backends ask about in turn
_SLOW_CONNECTIONS: Final = 3  # a secret hashed as passwords are takes a third of a second
_TOKEN_PATH: Final = "/oauth/token"


@dataclass(frozen=True, slots=True)
class Subject:
    """rxauth on one engine. token: of its machine. reads, commits: what its engine does bare."""

    who: str
    installation: Installation
    people: Crowd
    reads: BareReads
    commits: BareCommits


@dataclass(frozen=True, slots=True)
class Yardsticks:
    """What does not depend on the engine."""

    signatures: BareSignatures
    curve_signatures: BareCurveSignatures
    hashes: BareHashes


@dataclass(frozen=True, slots=True)
class Field:
    """What contenders are made with. peak: SQLite's tokens of machines per second, half of which is a steady load."""

    cores: Cores
    folder: Path
    bare: Yardsticks
    peak: float

    def of_post(
        self, name: str, start: Callable[[], Command], post: Post, yardstick: Yardstick, connections: int | None = None
    ) -> Contender:
        """Makes a contender that is sent the same again and again."""
        again = load.again_and_again(post, self.folder, connections or load.CONNECTIONS)
        return Contender(name, start, post, again, yardstick)

    def of_rxauth(self, one: Subject) -> list[Contender]:
        """Returns everything that is measured on each engine."""
        token, serve = exchange(one.installation), partial(servers.rxauth_serve, one.installation)
        curve = partial(servers.es256_app, one.installation)
        with servers.started(serve(), self.cores, token) as server:
            asked = introspection(one.installation, server.url)
            call = read(one.installation, server.url)
            held = prescribing.exchange(one.people).once(server.url)["access_token"]
        write = prescribing.create_prescription(one.installation, held)
        return [
            self.of_post(names.of(names.TOKEN, one.who), serve, token, self.bare.signatures),
            self.of_post(names.of(names.TOKEN_ES256, one.who), curve, token, self.bare.curve_signatures),
            self.of_post(names.of(names.INTROSPECTION, one.who), serve, asked, one.reads),
            self.of_post(names.of(names.CALL, one.who), serve, call, one.reads),
            self.of_post(names.of(names.PATIENT, one.who), serve, prescribing.create_patient(held), one.commits),
            self.of_post(names.of(names.PRESCRIPTION, one.who), serve, write, one.commits),
            *self._of_people(one),
        ]

    def _of_people(self, one: Subject) -> list[Contender]:
        token, serve = exchange(one.installation), partial(servers.rxauth_serve, one.installation)
        everywhere = partial(serve, on_both_cores=True)
        logins = signing_in.logins(one.people, self.bare.hashes.per_second(YARDSTICK_S))
        sessions = signing_in.authorizations(one.people)
        refreshes = signing_in.refreshes(_TOKEN_PATH, one.people.client_id, one.people.made)
        return [
            Contender(names.of(names.LOGIN, one.who), everywhere, token, logins, self.bare.hashes),
            Contender(names.of(names.AUTHORIZE, one.who), serve, token, sessions, self.bare.signatures),
            self._exchanges(one.who, serve, token, _TOKEN_PATH, one.people.made),
            Contender(names.of(names.REFRESH, one.who), serve, token, refreshes, one.commits),
        ]

    def _exchanges(
        self, who: str, serve: Callable[[], Command], token: Post, path: str, made: signing_in.Exchanges
    ) -> Contender:
        """At most a third as many as there are signatures: each takes two, and is more than these."""
        most = self.bare.signatures.per_second(YARDSTICK_S) / 3
        exchanges = signing_in.exchanges(path, made, most)
        return Contender(names.of(names.CODE, who), serve, token, exchanges, self.bare.signatures)

    def of_less(self, one: Subject) -> list[Contender]:
        """Returns the app with less in it, and tokens at a steady rate, all on one engine."""
        token, serve = exchange(one.installation), partial(servers.rxauth_serve, one.installation)
        unchained, bare = partial(servers.unchained_app, one.installation), partial(servers.bare_app, one.installation)
        with servers.started(serve(), self.cores, token) as server:
            call = read(one.installation, server.url)
        signatures = self.bare.signatures
        return [
            self.of_post(names.of(names.TOKEN, names.UNCHAINED), unchained, token, signatures),
            self.of_post(names.of(names.CALL, names.UNVERIFIED), bare, call, one.reads),
            *(
                Contender(names.of(names.TOKEN, name), serve, token, steady, signatures)
                for name, steady in (
                    (names.HALF_PEAK, signing_in.steady_tokens(token, self.peak / 2, None)),
                    (names.HALF_PEAK_QUEUED, signing_in.steady_tokens(token, self.peak / 2, one.people)),
                )
            ),
        ]

    def of_nothing(self, one: Subject) -> list[Contender]:
        """Returns the least that answers."""
        token = exchange(one.installation)
        return [self.of_post(names.of(names.ANSWER, names.ASGI), servers.bare_asgi, token, self.bare.signatures)]

    def of_node(self, peer: NodePeer, commits: Yardstick) -> list[Contender]:
        """Returns oidc-provider; commits: what a refresh is compared with, which keeps nothing there."""
        who, token, bare = names.NODE, peer.token(), self.bare
        refreshes = signing_in.refreshes(peer.token_path, peer.client_id, peer.exchanges)
        asked = self._asked_of(peer.introspection)
        return [
            self.of_post(names.of(names.TOKEN, who), peer.command, token, bare.signatures),
            self.of_post(names.of(names.TOKEN_ES256, who), peer.command, peer.token("ES256"), bare.curve_signatures),
            Contender(names.of(names.INTROSPECTION, who), peer.command, token, asked, bare.signatures),
            self._exchanges(who, peer.command, token, peer.token_path, peer.exchanges),
            Contender(names.of(names.REFRESH, who), peer.command, token, refreshes, commits),
        ]

    def of_django(self, peer: DjangoPeer, reads: Yardstick, commits: Yardstick) -> list[Contender]:
        """Returns django-oauth-toolkit."""
        who, fast = names.DJANGO, peer.token(is_fast=True)
        refreshes = signing_in.refreshes(peer.token_path, peer.client_id, peer.exchanges)
        asked = self._asked_of(peer.introspection)
        slow = peer.token(is_fast=False)
        of_slow = self.of_post(names.of(names.TOKEN, who), peer.command, slow, commits, _SLOW_CONNECTIONS)
        return [
            of_slow,
            self.of_post(names.of(names.TOKEN, names.DJANGO_FAST), peer.command, fast, commits),
            Contender(names.of(names.INTROSPECTION, who), peer.command, fast, asked, reads),
            self._exchanges(who, peer.command, fast, peer.token_path, peer.exchanges),
            Contender(names.of(names.REFRESH, who), peer.command, fast, refreshes, commits),
        ]

    def _asked_of(self, question: Callable[[str], Post]) -> Load:
        """Returns the load of a question about a token that the server itself must have issued before."""

        def prepare(url: str, seconds: float) -> Callable[[], load.Answered]:
            post = question(url)
            return lambda: load.put_on(url, post, seconds, self.folder)

        return prepare


def peak(one: Installation, cores: Cores, seconds: float, folder: Path) -> float:
    """Returns the most machines' tokens per second."""
    with servers.started(servers.rxauth_serve(one), cores, exchange(one)) as server:
        load.put_on(server.url, exchange(one), WARM_UP_S, folder)
        return load.put_on(server.url, exchange(one), seconds, folder).per_second


def exchange(one: Installation) -> Post:
    """The documented exchange."""
    body = {
        "client_id": one.client_id,
        "client_secret": one.secret,
        "audience": AUDIENCE,
        "grant_type": "client_credentials",
    }
    return Post(_TOKEN_PATH, _JSON, [json.dumps(body, separators=(",", ":"))])


def introspection(one: Installation, url: str) -> Post:
    """Asks about one token after the other, each of them good."""
    tokens = [exchange(one).once(url)["access_token"] for _ in range(_TOKENS)]
    asking = {"client_id": one.client_id, "client_secret": one.secret}
    return Post("/oauth/introspect", peers.FORM, [urlencode(asking | {"token": token}) for token in tokens])


def read(one: Installation, url: str) -> Post:
    """Reads the patients, one a request, with one token: as an organization's backend does."""
    token = exchange(one).once(url)["access_token"]
    bodies = [json.dumps({"query": _DOCUMENT, "variables": {"id": patient_id}}) for patient_id in one.patient_ids]
    return Post("/graphql", _JSON | {"authorization": f"Bearer {token}"}, bodies)


def interleaved(*groups: list[Contender]) -> list[Contender]:
    """Returns the contenders of several groups in turn: what is compared is measured close to each other."""
    return [one for turn in itertools.zip_longest(*groups) for one in turn if one is not None]
