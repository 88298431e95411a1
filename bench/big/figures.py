"""The figures of a big organization: what answers take at a steady rate, and from which rate on they take too long."""

import asyncio
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from random import Random
from typing import Final

from tests.api.documents import PATIENT, PATIENTS

from bench import servers
from bench.big.asking import NAMES, SHORT_NAMES, Known, Question, mix
from bench.big.open_loop import Waited, ask
from bench.connections import Connection, require
from bench.installation import Installation
from bench.load import Post
from bench.machine import Cores, processor_seconds, resident_mb
from bench.servers import Running

RATE: Final = 60.0
P99_LIMIT_MS: Final = 50.0
NAMES_LIMIT_MS: Final = 100.0
BARE_LIMIT: Final = 1.15
WORKERS: Final = 2
_STEP: Final = 1.25
_RATES_LIMIT: Final = 1_000.0
_WARM_UP_S: Final = 10.0
_EACH_NAME: Final = 40
_ROUNDS: Final = 12
_READS_A_ROUND: Final = 250


@dataclass(frozen=True, slots=True)
class Steady:
    """A run at a constant rate. resident_mb: of all servers, before and after; busy: the cores that they used."""

    per_second: float
    waited: Waited
    resident_mb: tuple[float, float]
    busy: float


@dataclass(frozen=True, slots=True)
class Bare:
    """patient(id) beside the app without verification and policy, by round: ratios of processor time, and of time."""

    processor: tuple[float, ...]
    wall: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that was measured. names_ms: for each beginning of a name, its slowest hundredth."""

    usual: Steady
    faster: tuple[Steady, ...]
    names_ms: dict[str, float]
    bare: Bare


def measure(
    one: Installation, known: Known, cores: Cores, token_of: Post, seconds: float, say: Callable[[str], None]
) -> Figures:
    """Runs everything, one after the other."""
    token = str(_token(one, cores, token_of))
    with _serving(one, cores, token_of) as running:
        urls = [server.url for server in running]
        say("Warming up ...")
        ask(urls, mix(known, 1), token, RATE, _WARM_UP_S)
        usual = _steady(running, known, token, RATE, seconds, say)
        names_ms = {name: _slowest_ms(urls[:1], name, token) for name in (*NAMES, *SHORT_NAMES)}
        faster: list[Steady] = []
        rate = RATE * _STEP
        while rate < _RATES_LIMIT:
            faster.append(_steady(running, known, token, rate, max(10.0, seconds / 3), say))
            if faster[-1].waited.percentile_ms(99) > P99_LIMIT_MS:
                break
            rate *= _STEP
    say("Comparing with the bare app ...")
    return Figures(usual, tuple(faster), names_ms, _beside_bare(one, known, cores, token_of, token))


def _token(one: Installation, cores: Cores, token_of: Post) -> str:
    with servers.started(servers.rxauth_serve(one), cores, token_of) as server:
        return str(token_of.once(server.url)["access_token"])


@contextmanager
def _serving(one: Installation, cores: Cores, token_of: Post) -> Iterator[list[Running]]:
    """Runs as many servers as there would be workers, each on a port of its own."""
    with ExitStack() as stack:
        commands = [servers.rxauth_serve(one, on_both_cores=True) for _ in range(WORKERS)]
        yield [stack.enter_context(servers.started(command, cores, token_of)) for command in commands]


def _steady(
    running: list[Running], known: Known, token: str, per_second: float, seconds: float, say: Callable[[str], None]
) -> Steady:
    before_mb, before_s = sum(_resident(running)), sum(processor_seconds(one.process_id) for one in running)
    waited = ask([one.url for one in running], mix(known, round(per_second)), token, per_second, seconds)
    used_s = sum(processor_seconds(one.process_id) for one in running) - before_s
    say(f"{per_second:.0f} a second: p50 {waited.percentile_ms(50):.1f} ms, p99 {waited.percentile_ms(99):.1f} ms")
    return Steady(per_second, waited, (before_mb, sum(_resident(running))), used_s / seconds)


def _resident(running: list[Running]) -> list[float]:
    return [resident_mb(one.process_id) for one in running]


def _slowest_ms(urls: list[str], name: str, token: str) -> float:
    """Searches one name again and again, ten times a second."""
    question = Question(name, PATIENTS, {"filter": {"name": name}, "first": 25})
    waited = ask(urls, iter([question] * _EACH_NAME), token, 10, _EACH_NAME / 10)
    return waited.percentile_ms(99)


def _beside_bare(one: Installation, known: Known, cores: Cores, token_of: Post, token: str) -> Bare:
    """Reads patients one after the other, from the one server and the other in turn; the first round warms them up."""
    random = Random(3)
    processor, wall = [], []
    question = Post(
        "/graphql", {"content-type": "application/json", "authorization": token}, ['{"query": "{__typename}"}']
    )
    with (
        servers.started(servers.rxauth_serve(one), cores, token_of) as real,
        servers.started(servers.bare_app(one), cores, question) as bare,
    ):
        for number in range(_ROUNDS + 1):
            asked = [Question("patient", PATIENT, {"id": random.choice(known.patients)}) for _ in range(_READS_A_ROUND)]
            (real_s, real_wall_s), (bare_s, bare_wall_s) = (_reads(server, asked, token) for server in (real, bare))
            if number:
                processor.append(real_s / bare_s)
                wall.append(real_wall_s / bare_wall_s)
    return Bare(tuple(processor), tuple(wall))


def _reads(server: Running, asked: list[Question], token: str) -> tuple[float, float]:
    """Returns the processor seconds of reads, and the middle one's time."""

    async def read() -> list[float]:
        waits = []
        async with Connection(server.url) as connection:
            for question in asked:
                sent_at = time.perf_counter()
                require(await connection.send(question.sent(token)), 200)
                waits.append(time.perf_counter() - sent_at)
        return waits

    before_s = processor_seconds(server.process_id)
    waits = asyncio.run(read())
    return processor_seconds(server.process_id) - before_s, statistics.median(waits)
