"""One sitting: every contender in every round, one after the other, each between two measurements of the yardstick."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from bench.load import Load, Post
from bench.machine import Cores, Yardstick, processor_seconds, resident_mb
from bench.servers import Command, started

WARM_UP_S: Final = 2.0
YARDSTICK_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Contender:
    """What is measured: a server, the load on it, and what its rate is compared with.

    start: makes the command, with a port of its own. post: a request that it must answer before and after.
    """

    name: str
    start: Callable[[], Command]
    post: Post
    load: Load
    yardstick: Yardstick


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one contender.

    bare: the name of the yardstick. bare_per_second: its rate, the mean of right before and right after.
    busy: the share of one core that the server used. started_s: from its start to its first answer.
    """

    contender: str
    per_second: float
    p50_ms: float
    p99_ms: float
    bare: str
    bare_per_second: float
    busy: float
    resident_mb: float
    started_s: float

    @property
    def of_bare(self) -> float:
        """The rate, as a share of the yardstick's."""
        return self.per_second / self.bare_per_second

    @property
    def processor_us(self) -> float:
        """The microseconds of its core that the server used for one answer."""
        return self.busy * 1e6 / self.per_second


@dataclass(frozen=True, slots=True)
class Sitting:
    """How long and how often: seconds of a run, and rounds."""

    cores: Cores
    seconds: float
    rounds: int

    def hold(self, contenders: Sequence[Contender]) -> list[Run]:
        """Runs every contender in every round; who begins changes, so that a drift of the machine favours nobody."""
        runs = []
        for number in range(self.rounds):
            first = number % len(contenders)
            for contender in [*contenders[first:], *contenders[:first]]:
                run = self._run(contender)
                runs.append(run)
                print(
                    f"  round {number + 1}/{self.rounds}  {run.contender:<44}{run.per_second:>8,.0f}/s"
                    f"  p50 {run.p50_ms:5.1f} ms  core {run.busy:4.0%}  bare {run.bare_per_second:,.0f}/s",
                    flush=True,
                )
        return runs

    def _run(self, contender: Contender) -> Run:
        before = contender.yardstick.per_second(YARDSTICK_S)
        with started(contender.start(), self.cores, contender.post) as server:
            contender.load(server.url, WARM_UP_S)()
            put_on = contender.load(server.url, self.seconds)
            used_before = processor_seconds(server.process_id)
            answered = put_on()
            used = processor_seconds(server.process_id) - used_before
            contender.post.once(server.url)  # it still answers, and rightly
            resident = resident_mb(server.process_id)
        after = contender.yardstick.per_second(YARDSTICK_S)
        return Run(
            contender.name,
            answered.per_second,
            answered.p50_ms,
            answered.p99_ms,
            contender.yardstick.name,
            (before + after) / 2,
            used / answered.seconds,
            resident,
            server.started_s,
        )
