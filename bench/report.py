"""The report: figures against their targets, as a page to read and as JSON."""

import dataclasses
import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.checks import Written
from bench.sitting import Run

TOKEN_SQLITE: Final = "token, rxauth on SQLite"
TOKEN_POSTGRES: Final = "token, rxauth on PostgreSQL"
TOKEN_UNCHAINED: Final = "token, audit log not chained, SQLite"
TOKEN_PEER: Final = "token, oidc-provider, memory adapter"
CALL: Final = "patient(id), rxauth on SQLite"
BARE_CALL: Final = "patient(id), no verification, no policy"
# With the engine's name.
LOGIN: Final = "login, rxauth on {}"
AUTHORIZE: Final = "live session to a code, rxauth on {}"
CODE: Final = "code exchange, rxauth on {}"
PATIENT: Final = "createPatient, rxauth on {}"
PRESCRIPTION: Final = "createPrescription, rxauth on {}"
HALF_PEAK: Final = "token at half its peak rate, SQLite"
HALF_PEAK_QUEUED: Final = "the same, Argon2 queue full"
_ENGINES: Final = ("SQLite", "PostgreSQL")


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that has a target. values: one for each run; shown: how one of them is written."""

    what: str
    values: tuple[float, ...]
    target: str
    aim: str
    met: bool
    shown: str

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.values)


@dataclass(frozen=True, slots=True)
class Sat:
    """Everything that a sitting found."""

    started: str
    machine: Mapping[str, str]
    seconds: float
    runs: Sequence[Run]
    first_token_s: Sequence[float]
    help_s: Sequence[float]
    decision_us: Mapping[str, Sequence[float]]
    written: Mapping[str, Written]

    def of(self, contender: str) -> list[Run]:
        """Returns the runs of one contender, by round."""
        return [run for run in self.runs if run.contender == contender]

    def figures(self) -> list[Figure]:
        """Compares what was found with what is wanted."""
        return [
            _at_least("token of bare signatures, SQLite", _each(self.of(TOKEN_SQLITE), _of_bare), 0.60, 0.72),
            _at_least("token of bare signatures, PostgreSQL", _each(self.of(TOKEN_POSTGRES), _of_bare), 0.60, 0.72),
            _at_least("token of oidc-provider, SQLite", self._paired(TOKEN_SQLITE, TOKEN_PEER), 1.1, 1.35),
            _at_least("token of oidc-provider, PostgreSQL", self._paired(TOKEN_POSTGRES, TOKEN_PEER), 1.1, 1.35),
            _at_most(
                "what verification and policy add to patient(id)",
                tuple(ratio - 1 for ratio in self._paired(BARE_CALL, CALL)),
                0.10,
                "{:.1%}",
            ),
            _at_most(
                "what the chain adds to a token",
                tuple(ratio - 1 for ratio in self._paired(TOKEN_UNCHAINED, TOKEN_SQLITE)),
                0.10,
                "{:.1%}",
            ),
            _at_most("rxauth serve to first token", tuple(self.first_token_s), 1.5, "{:.2f} s"),
            _at_most("rxauth --help", tuple(self.help_s), 0.3, "{:.2f} s"),
            _at_most("resident after tokens", _each(self.of(TOKEN_SQLITE), _resident), 120, "{:.0f} MB"),
            _at_most("resident after tokens, PostgreSQL", _each(self.of(TOKEN_POSTGRES), _resident), 120, "{:.0f} MB"),
            _at_most("resident after API calls", _each(self.of(CALL), _resident), 120, "{:.0f} MB"),
            *(_at_most(name, tuple(values), 5, "{:.1f} µs") for name, values in self.decision_us.items()),
            *(
                _at_most(
                    f"createPrescription of createPatient, {engine}",
                    self._paired(PATIENT.format(engine), PRESCRIPTION.format(engine)),
                    1.5,
                    "{:.2f}",
                )
                for engine in _ENGINES
            ),
            *self._figures_of_people(),
        ]

    def _figures_of_people(self) -> list[Figure]:
        queued, alone = self.of(HALF_PEAK_QUEUED), self.of(HALF_PEAK)
        return [
            *(
                _at_least(f"login of bare hashes, {engine}", _each(self.of(LOGIN.format(engine)), _of_bare), 0.8)
                for engine in _ENGINES
            ),
            _at_most(
                "token p99 with the Argon2 queue full, of without",
                tuple(one.p99_ms / other.p99_ms for one, other in zip(queued, alone, strict=True)),
                2,
                "{:.2f}",
            ),
            *(
                _at_most(
                    f"live session to a code, {engine}", _each(self.of(AUTHORIZE.format(engine)), _p50), 8, "{:.1f} ms"
                )
                for engine in _ENGINES
            ),
            *(
                _at_least(
                    f"code exchange of bare signatures, {engine}", _each(self.of(CODE.format(engine)), _of_bare), target
                )
                for engine, target in zip(_ENGINES, (0.15, 0.17), strict=True)
            ),
        ]

    def _paired(self, one: str, other: str) -> tuple[float, ...]:
        """Compares two contenders round by round."""
        return tuple(a.per_second / b.per_second for a, b in zip(self.of(one), self.of(other), strict=True))

    def markdown(self) -> str:
        """Returns the page."""
        how = (
            f"{len(self.of(CALL))} rounds of {self.seconds:g} s each, interleaved; wrk with one thread and 24 kept "
            "connections on one core, the server on another, PostgreSQL on the load's. People and the steady load: a "
            "client in Python in wrk's place. Logins: 8 at a time, the server on both cores, the load on one of them"
        )
        described = {**self.machine, "sitting": how}
        lines = [
            f"# Bench, {self.started}",
            "",
            *(f"- {name}: {text}" for name, text in described.items()),
            "",
            "| what | median/s | min | max | spread | p50 ms | p99 ms | core busy | core µs each | of bare |",
            "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
            *(_bare_row(name, self.runs) for name in dict.fromkeys(run.bare for run in self.runs)),
            *(_row(self.of(name)) for name in dict.fromkeys(run.contender for run in self.runs)),
            "",
            "| figure | median | min to max | target | aim | met |",
            "|---|--:|--:|--:|--:|---|",
            *(_figure_row(figure) for figure in self.figures()),
            "",
            "| load | answers | audit records written | any row written |",
            "|---|--:|--:|---|",
            *(
                f"| {name} | {one.answers:,} | {one.acts:,} | {'yes' if one.changed else 'no'} |"
                for name, one in self.written.items()
            ),
        ]
        return "\n".join(lines) + "\n"

    def save(self, folder: Path) -> Path:
        """Writes the page, and a JSON with every single run beside it; returns the page's path."""
        folder.mkdir(exist_ok=True)
        page = folder / f"{self.started.replace(':', '').replace(' ', '-')}.md"
        page.write_text(self.markdown())
        content = dataclasses.asdict(self) | {"figures": [dataclasses.asdict(one) for one in self.figures()]}
        page.with_suffix(".json").write_text(json.dumps(content, indent=2) + "\n")
        return page


def _each(runs: Sequence[Run], take: Callable[[Run], float]) -> tuple[float, ...]:
    return tuple(take(run) for run in runs)


def _of_bare(run: Run) -> float:
    return run.of_bare


def _p50(run: Run) -> float:
    return run.p50_ms


def _resident(run: Run) -> float:
    return run.resident_mb


def _at_least(what: str, values: tuple[float, ...], target: float, aim: float | None = None) -> Figure:
    shown = "" if aim is None else f"{aim:.2f}"
    return Figure(what, values, f"at least {target:.2f}", shown, statistics.median(values) >= target, "{:.3f}")


def _at_most(what: str, values: tuple[float, ...], target: float, shown: str) -> Figure:
    return Figure(what, values, f"at most {shown.format(target)}", "", statistics.median(values) <= target, shown)


def _figure_row(figure: Figure) -> str:
    middle, least, most = (figure.shown.format(value) for value in (figure.median, *_ends(figure.values)))
    met = "yes" if figure.met else "NO"
    return f"| {figure.what} | {middle} | {least} to {most} | {figure.target} | {figure.aim} | {met} |"


def _row(runs: Sequence[Run]) -> str:
    rates = [run.per_second for run in runs]
    p50, p99, busy, cost, share = (
        statistics.median(values)
        for values in zip(
            *((run.p50_ms, run.p99_ms, run.busy, run.processor_us, run.of_bare) for run in runs), strict=True
        )
    )
    return f"| {runs[0].contender} | {_rates(rates)} | {p50:.1f} | {p99:.1f} | {busy:.0%} | {cost:.0f} | {share:.2f} |"


def _bare_row(name: str, runs: Sequence[Run]) -> str:
    rates = [run.bare_per_second for run in runs if run.bare == name]
    return f"| {name} | {_rates(rates)} | | | | {1e6 / statistics.median(rates):.0f} | 1.00 |"


def _rates(rates: Sequence[float]) -> str:
    middle, (least, most) = statistics.median(rates), _ends(rates)
    return f"{middle:,.0f} | {least:,.0f} | {most:,.0f} | {(most - least) / middle:.0%}"


def _ends(values: Sequence[float]) -> tuple[float, float]:
    return min(values), max(values)
