"""One sitting: every contender in every round, one after the other, each between two measurements of the yardstick.

What was measured is kept in a file at once, so that a sitting may be held in parts.
"""

import dataclasses
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bench.load import Load, Post
from bench.machine import Cores, processor_seconds, resident_mb
from bench.servers import Command, started
from bench.yardsticks import Yardstick

WARM_UP_S: Final = 2.0  # at most; of a short run, half of it
YARDSTICK_S: Final = 0.5


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

    round: int
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


@dataclass(slots=True)
class Kept:
    """What a sitting has found so far, and the file that has it. once: what is measured once, by its name."""

    file: Path
    seconds: float
    rounds: int
    began: list[str] = field(default_factory=list)
    once: dict[str, Any] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)

    def save(self) -> None:
        """Writes the file."""
        self.file.parent.mkdir(exist_ok=True)
        content = dataclasses.asdict(self) | {"file": None}
        self.file.write_text(json.dumps(content, indent=1) + "\n")

    def first(self, name: str, measure: Callable[[], Any]) -> Any:
        """Returns what was measured once, now or when the sitting began."""
        if name not in self.once:
            self.once[name] = measure()
            self.save()
        return self.once[name]

    def has(self, number: int, contender: str) -> bool:
        """Tells whether somebody ran in a round."""
        return any(run.round == number and run.contender == contender for run in self.runs)


def load_kept(file: Path, seconds: float, rounds: int) -> Kept:
    """Returns what a file has, or nothing if there is none.

    Raises:
        SystemExit: it has a sitting of another kind.
    """
    if not file.exists():
        return Kept(file, seconds, rounds)
    content = json.loads(file.read_text())
    if (content["seconds"], content["rounds"]) != (seconds, rounds):
        raise SystemExit(f"{file} has a sitting with other rounds: end it with the same options, or remove the file")
    runs = [Run(**run) for run in content["runs"]]
    return Kept(file, seconds, rounds, content["began"], content["once"], runs)


@dataclass(frozen=True, slots=True)
class Sitting:
    """Holds rounds, and keeps what they find. ends_at: no run begins after this moment of the monotonic clock."""

    cores: Cores
    kept: Kept
    ends_at: float

    def hold(self, contenders: Sequence[Contender]) -> bool:
        """Runs every contender in every round that it has not run in; tells whether none is left.

        Who begins changes, so that a drift of the machine favours nobody.
        """
        for number in range(self.kept.rounds):
            first = number * len(contenders) // self.kept.rounds
            for contender in [*contenders[first:], *contenders[:first]]:
                if self.kept.has(number, contender.name):
                    continue
                if time.monotonic() > self.ends_at:
                    return False
                run = self._run(number, contender)
                self.kept.runs.append(run)
                self.kept.save()
                print(
                    f"  round {number + 1}/{self.kept.rounds}  {run.contender:<52}{run.per_second:>8,.0f}/s"
                    f"  p50 {run.p50_ms:5.1f} ms  core {run.busy:4.0%}  bare {run.bare_per_second:,.0f}/s",
                    flush=True,
                )
        return True

    def _run(self, number: int, contender: Contender) -> Run:
        before = contender.yardstick.per_second(YARDSTICK_S)
        with started(contender.start(), self.cores, contender.post) as server:
            contender.load(server.url, min(WARM_UP_S, self.kept.seconds / 2))()
            put_on = contender.load(server.url, self.kept.seconds)
            used_before = processor_seconds(server.process_id)
            answered = put_on()
            used = processor_seconds(server.process_id) - used_before
            contender.post.once(server.url)  # it still answers, and rightly
            resident = resident_mb(server.process_id)
        after = contender.yardstick.per_second(YARDSTICK_S)
        return Run(
            number,
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
