"""The report: figures against their targets and beside the peers, as a page to read and as JSON."""

import dataclasses
import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench import names
from bench.names import of
from bench.sitting import Kept, Run
from bench.wants import Figure, Found

_COMPARED: Final = (names.TOKEN, names.TOKEN_ES256, names.INTROSPECTION, names.CODE, names.REFRESH)
_OURS: Final = (names.LOGIN, names.AUTHORIZE, names.CALL, names.PATIENT, names.PRESCRIPTION)
_COLUMNS: Final = (*names.ENGINES, *names.PEERS)


@dataclass(frozen=True, slots=True)
class Sat:
    """A sitting that is over. began: when each of its parts began."""

    began: Sequence[str]
    seconds: float
    rounds: int
    found: Found

    @staticmethod
    def of_kept(kept: Kept) -> "Sat":
        """Takes over what was kept."""
        return Sat(kept.began, kept.seconds, kept.rounds, Found(kept.runs, kept.once))

    def save(self, folder: Path) -> Path:
        """Writes the page, and a JSON with every single run beside it; returns the page's path."""
        folder.mkdir(exist_ok=True)
        page = folder / f"{self.began[0].replace(':', '').replace(' ', '-')}.md"
        page.write_text(markdown(self))
        figures = [dataclasses.asdict(one) | {"met": one.met} for one in self.found.figures()]
        content = dataclasses.asdict(self) | {"figures": figures}
        page.with_suffix(".json").write_text(json.dumps(content, indent=2) + "\n")
        return page


def markdown(sat: Sat) -> str:
    """Returns the page."""
    found = sat.found
    how = (
        f"{sat.rounds} rounds of {sat.seconds:g} s each, interleaved; wrk with one thread and 24 kept connections on "
        "one core, the server on another, PostgreSQL on the load's. People and the steady load: a client in Python in "
        "wrk's place. Logins: 8 at a time, the server on both cores, the load on one of them. django-oauth-toolkit "
        "with its default hasher: 3 connections"
    )
    described: Mapping[str, str] = {**found.once["machine"], "sitting": how, "began": ", ".join(sat.began)}
    lines = [
        f"# Bench, {sat.began[0]}",
        "",
        *(f"- {name}: {text}" for name, text in described.items()),
        "",
        f"| a second: median (min to max) | {' | '.join(_COLUMNS)} |",
        f"|---|{'--:|' * len(_COLUMNS)}",
        *_acts(found),
        "",
        "| what | median/s | min | max | spread | p50 ms | p99 ms | core busy | core µs each | of | share |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|---|--:|",
        *(_bare_row(name, found.runs) for name in dict.fromkeys(run.bare for run in found.runs)),
        *(_row(found.of(name)) for name in sorted({run.contender for run in found.runs})),
        "",
        "| figure | median | min to max | target | aim | met |",
        "|---|--:|--:|--:|--:|---|",
        *(_figure_row(figure) for figure in found.figures()),
        "",
        "| rxauth beside a peer, by rate | SQLite: median | min to max | PostgreSQL: median | min to max |",
        "|---|--:|--:|--:|--:|",
        *_beside(found),
        "",
        "| load | answers | audit records written | any row written |",
        "|---|--:|--:|---|",
        *(_written_row(name, one) for name, one in found.once["written"].items()),
    ]
    return "\n".join(lines) + "\n"


def _acts(found: Found) -> Iterator[str]:
    for act in (*_COMPARED, *_OURS):
        cells = []
        for who in _COLUMNS:
            rates = found.each(act, who, lambda run: run.per_second)
            least, most = _ends(rates) if rates else (0, 0)
            cells.append(f"{statistics.median(rates):,.0f} ({least:,.0f} to {most:,.0f})" if rates else "")
        yield f"| {act} | {' | '.join(cells)} |"


def _beside(found: Found) -> Iterator[str]:
    measured = {run.contender for run in found.runs}
    for act in _COMPARED:
        for peer in names.PEERS:
            if of(act, peer) not in measured:
                continue
            cells = []
            for who in names.ENGINES:
                ratios = found.paired(of(act, who), of(act, peer))
                least, most = _ends(ratios)
                cells.append(f"{statistics.median(ratios):.2f} | {least:.2f} to {most:.2f}")
            yield f"| {act}, of {peer} | {' | '.join(cells)} |"


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
    measured = f"{_rates(rates)} | {p50:.1f} | {p99:.1f} | {busy:.0%} | {cost:.0f}"
    return f"| {runs[0].contender} | {measured} | {runs[0].bare} | {share:.2f} |"


def _bare_row(name: str, runs: Sequence[Run]) -> str:
    rates = [run.bare_per_second for run in runs if run.bare == name]
    return f"| {name} | {_rates(rates)} | | | | {1e6 / statistics.median(rates):.0f} | | |"


def _written_row(name: str, one: Mapping[str, Any]) -> str:
    return f"| {name} | {one['answers']:,} | {one['acts']:,} | {'yes' if one['changed'] else 'no'} |"


def _rates(rates: Sequence[float]) -> str:
    middle, (least, most) = statistics.median(rates), _ends(rates)
    return f"{middle:,.0f} | {least:,.0f} | {most:,.0f} | {(most - least) / middle:.0%}"


def _ends(values: Sequence[float]) -> tuple[float, float]:
    return min(values), max(values)
