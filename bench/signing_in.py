"""What is measured of people: logins, live sessions, codes, refreshes, and machines' tokens while logins queue."""

import asyncio
import itertools
import json
import re
from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode

from bench import connections
from bench.connections import Connection, Reply, get, post, require
from bench.crowd import PASSWORD, Crowd
from bench.load import CONNECTIONS, Answered, Load, Post
from rxauth.edge.slow_pool import PROCESSES, WAITING_LIMIT

_LOGINS_AT_ONCE: Final = 8
_MARGIN: Final = 1.5
_PAUSE_S: Final = 0.05
_CSRF: Final = re.compile(rb'name="csrf" value="([\w-]{43})"')


def logins(crowd: Crowd, hashes_per_second: float) -> Load:
    """Posts the password form for one person after the other, each in a browser of its own; the answer is a code."""

    def prepare(url: str, seconds: float) -> Callable[[], Answered]:
        emails = itertools.cycle(crowd.emails)
        number = round(hashes_per_second * seconds * _MARGIN)
        forms = asyncio.run(_login_forms(url, crowd, [next(emails) for _ in range(number)]))
        return lambda: connections.each_once(url, forms, 303, seconds, _LOGINS_AT_ONCE)

    return prepare


def authorizations(crowd: Crowd) -> Load:
    """Asks for codes with live sessions, one request after the other: what one takes, not how many there can be."""

    def prepare(url: str, seconds: float) -> Callable[[], Answered]:
        cookies = itertools.cycle(crowd.cookies)
        requests = (get(crowd.authorize(), next(cookies)) for _ in itertools.count())
        return lambda: connections.each_once(url, requests, 303, seconds, 1)

    return prepare


# Makes so many codes for a server at a URL, and returns the forms that exchange them.
Exchanges = Callable[[str, int], list[str]]


def exchanges(path: str, made: Exchanges, most_per_second: float) -> Load:
    """Exchanges codes, each made beforehand, for tokens."""

    def prepare(url: str, seconds: float) -> Callable[[], Answered]:
        requests = [post(path, form) for form in made(url, round(most_per_second * seconds))]
        return lambda: connections.each_once(url, requests, 200, seconds, CONNECTIONS)

    return prepare


def refreshes(path: str, client_id: str, made: Exchanges) -> Load:
    """Asks with a refresh token for the next one, and with that for the one after it, on each connection."""

    def request_after(reply: Reply) -> bytes:
        token = json.loads(reply.body)["refresh_token"]
        return post(path, urlencode({"grant_type": "refresh_token", "client_id": client_id, "refresh_token": token}))

    def prepare(url: str, seconds: float) -> Callable[[], Answered]:
        begun = asyncio.run(_exchanged(url, [post(path, form) for form in made(url, CONNECTIONS)]))
        return lambda: connections.chains(url, [request_after(one) for one in begun], request_after, seconds)

    return prepare


async def _exchanged(url: str, requests: list[bytes]) -> list[Reply]:
    async with Connection(url) as connection:
        return [require(await connection.send(one), 200) for one in requests]


def steady_tokens(token: Post, per_second: float, crowd: Crowd | None) -> Load:
    """Asks for machines' tokens at a steady rate; crowd: whose sign-in pages fill the Argon2 queue, None: nobody's."""
    request = post(token.path, token.bodies[0], media_type=token.headers["content-type"])

    def prepare(url: str, seconds: float) -> Callable[[], Answered]:
        guesses = [] if crowd is None else asyncio.run(_guesses(url, crowd))
        return lambda: connections.at_rate(url, request, per_second, seconds, lambda: _keep_full(url, guesses))

    return prepare


async def _guesses(url: str, crowd: Crowd) -> list[bytes]:
    """Returns as many login forms as are hashed and wait at once, filled in by somebody whom nobody knows.

    Such a form costs a hash, shuts nobody out for a while, and can be sent again.
    """
    return await _login_forms(url, crowd, ["nobody@example.com"] * (PROCESSES + WAITING_LIMIT))


async def _keep_full(url: str, guesses: list[bytes]) -> None:
    """Sends every guess again and again, each on a connection of its own, until it is cancelled."""

    async def send_on(guess: bytes) -> None:
        async with Connection(url) as connection:
            while True:
                if (reply := await connection.send(guess)).status == 503:
                    await asyncio.sleep(_PAUSE_S)  # it is full: one came between
                else:
                    require(reply, 422)

    async with asyncio.TaskGroup() as group:
        for guess in guesses:
            group.create_task(send_on(guess))


async def _login_forms(url: str, crowd: Crowd, emails: list[str]) -> list[bytes]:
    """Opens the login page once for each address, in a new browser, and returns the forms filled in."""
    async with Connection(url) as connection:
        return [await _login_form(connection, crowd, email) for email in emails]


async def _login_form(connection: Connection, crowd: Crowd, email: str) -> bytes:
    waiting = require(await connection.send(get(crowd.authorize())), 303)
    path, cookie = waiting.header("location"), waiting.header("set-cookie").partition(";")[0]
    page = require(await connection.send(get(path, cookie)), 200)
    found = _CSRF.search(page.body)
    if found is None:
        raise RuntimeError(f"{path} shows no form: {page.body[:500]!r}")
    fields = {"csrf": found[1].decode(), "act": "password", "email": email, "password": PASSWORD}
    return post(path, urlencode(fields), cookie)
