"""What is wanted of the figures, each compared with what a sitting found."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bench import names
from bench.names import of
from bench.sitting import Run

_RATE: Final = "{:,.0f}"
_SHARE: Final = "{:.3f}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that has a target. values: one for each run; shown: how one of them is written.

    is_least: whether the values are to be at least what is wanted, or at most.
    """

    what: str
    values: tuple[float, ...]
    target: str
    aim: str
    shown: str
    wanted: float
    is_least: bool

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.values)

    @property
    def met(self) -> bool:
        """Whether the middle one is as wanted."""
        return self.median >= self.wanted if self.is_least else self.median <= self.wanted


@dataclass(frozen=True, slots=True)
class Found:
    """What a sitting found. once: what is measured once, by its name."""

    runs: Sequence[Run]
    once: Mapping[str, Any]

    def of(self, contender: str) -> list[Run]:
        """Returns the runs of one contender, by round."""
        return sorted((run for run in self.runs if run.contender == contender), key=lambda run: run.round)

    def each(self, act: str, who: str, take: Callable[[Run], float]) -> tuple[float, ...]:
        """Returns a value of each run."""
        return tuple(take(run) for run in self.of(of(act, who)))

    def paired(self, one: str, other: str) -> tuple[float, ...]:
        """Compares the rates of two contenders in each round in which both took part."""
        others = {run.round: run.per_second for run in self.of(other)}
        return tuple(run.per_second / others[run.round] for run in self.of(one) if run.round in others)

    def figures(self) -> list[Figure]:
        """Compares what was found with what is wanted; what nobody took part in is left out."""
        wanted = (*self._of_machines(), *self._of_people(), *self._of_the_rest())
        return [one for one in wanted if one.values]

    def _of_machines(self) -> list[Figure]:
        found = []
        for who in names.ENGINES:
            shares = self.each(names.TOKEN, who, _of_bare)
            found += [
                _at_least(f"token RS256 of bare signatures, {who}", shares, 0.65, 0.75),
                _at_least(f"token ES256 a second, {who}", self.each(names.TOKEN_ES256, who, _rate), 4_000, 5_000),
                _at_least(f"introspection a second, {who}", self.each(names.INTROSPECTION, who, _rate), 4_500),
                _at_least(
                    f"token of oidc-provider, {who}",
                    self.paired(of(names.TOKEN, who), of(names.TOKEN, names.NODE)),
                    1.1,
                    1.35,
                ),
                _at_most(f"resident after tokens, {who}", self.each(names.TOKEN, who, _resident), 150, "{:.0f} MB"),
            ]
        calls = self.each(names.CALL, names.SQLITE, _rate), self.each(names.CALL, names.POSTGRES, _rate)
        return [
            *found,
            _at_least(f"API read a second, {names.SQLITE}", calls[0], 1_500),
            _at_least(f"API read a second, {names.POSTGRES}", calls[1], 1_200),
            _at_most("resident after API calls", self.each(names.CALL, names.SQLITE, _resident), 150, "{:.0f} MB"),
            _at_most(
                "what verification and policy add to patient(id)",
                _more(self.paired(of(names.CALL, names.UNVERIFIED), of(names.CALL, names.SQLITE))),
                0.10,
                "{:.1%}",
            ),
            _at_most(
                "what the chain adds to a token",
                _more(self.paired(of(names.TOKEN, names.UNCHAINED), of(names.TOKEN, names.SQLITE))),
                0.10,
                "{:.1%}",
            ),
        ]

    def _of_people(self) -> list[Figure]:
        queued, alone = (
            self.each(names.TOKEN, who, lambda run: run.p99_ms) for who in (names.HALF_PEAK_QUEUED, names.HALF_PEAK)
        )
        found = [_at_least(f"refresh a second, {names.POSTGRES}", self.each(names.REFRESH, names.POSTGRES, _rate), 400)]
        for who, target in zip(names.ENGINES, (0.15, 0.17), strict=True):
            sessions = self.each(names.AUTHORIZE, who, lambda run: run.p50_ms)
            found += [
                _at_least(f"code exchange of bare signatures, {who}", self.each(names.CODE, who, _of_bare), target),
                _at_least(f"login of bare hashes, {who}", self.each(names.LOGIN, who, _of_bare), 0.8),
                _at_most(f"live session to a code, {who}", sessions, 8, "{:.1f} ms"),
                _at_most(
                    f"createPrescription of createPatient, {who}",
                    self.paired(of(names.PATIENT, who), of(names.PRESCRIPTION, who)),
                    1.5,
                    "{:.2f}",
                ),
            ]
        beside = tuple(one / other for one, other in zip(queued, alone, strict=True))
        return [*found, _at_most("token p99 with the Argon2 queue full, of without", beside, 2, "{:.2f}")]

    def _of_the_rest(self) -> list[Figure]:
        return [
            _at_most("rxauth serve to first token", tuple(self.once["first_token_s"]), 1.5, "{:.2f} s"),
            _at_most("rxauth --help", tuple(self.once["help_s"]), 0.3, "{:.2f} s"),
            *(_at_most(name, tuple(values), 5, "{:.1f} µs") for name, values in self.once["decision_us"].items()),
        ]


def _rate(run: Run) -> float:
    return run.per_second


def _of_bare(run: Run) -> float:
    return run.of_bare


def _resident(run: Run) -> float:
    return run.resident_mb


def _more(ratios: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(ratio - 1 for ratio in ratios)


def _at_least(what: str, values: tuple[float, ...], target: float, aim: float | None = None) -> Figure:
    shown = _RATE if target > 100 else _SHARE
    wanted = shown.format(target) if target > 100 else f"{target:.2f}"
    aimed = "" if aim is None else shown.format(aim) if target > 100 else f"{aim:.2f}"
    return Figure(what, values, f"at least {wanted}", aimed, shown, target, is_least=True)


def _at_most(what: str, values: tuple[float, ...], target: float, shown: str) -> Figure:
    return Figure(what, values, f"at most {shown.format(target)}", "", shown, target, is_least=False)
