"""The page of a big organization's figures."""

import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bench.big.figures import BARE_LIMIT, NAMES_LIMIT_MS, P99_LIMIT_MS, WORKERS, Figures, Steady
from bench.big.size import Size

_LOAD: Final = (
    "the published SDK's documents, 80 reads by identifier for 20 lists of 25, sent at a constant rate to "
    f"{WORKERS} processes of `rxauth serve` on ports of their own; servers, PostgreSQL and load share two cores"
)


def page(started: str, machine: Mapping[str, str], size: Size, loaded_s: float, found: Figures) -> str:
    """Returns the page."""
    usual = found.usual
    p99 = usual.waited.percentile_ms(99)
    limit = found.faster[-1] if found.faster and found.faster[-1].waited.percentile_ms(99) > P99_LIMIT_MS else None
    too_fast = "no rate that was tried" if limit is None else f"{limit.per_second:.0f} a second"
    slowest, cost = max(found.names_ms.values()), statistics.median(found.bare.processor)
    before_mb, after_mb = usual.resident_mb
    lines = [
        f"# A big organization, {started}",
        "",
        *(f"- {name}: {said}" for name, said in machine.items()),
        f"- data: {_data(size, loaded_s)}",
        f"- load: {_LOAD}",
        "",
        "| figure | measured | target | met |",
        "|---|--:|--:|---|",
        _row(f"p99 at {usual.per_second:.0f} a second", f"{p99:.1f} ms", f"{P99_LIMIT_MS:.0f} ms", p99 <= P99_LIMIT_MS),
        f"| p99 passes {P99_LIMIT_MS:.0f} ms at | {too_fast} | | |",
        _row(
            "slowest search of a name, p99", f"{slowest:.1f} ms", f"{NAMES_LIMIT_MS:.0f} ms", slowest <= NAMES_LIMIT_MS
        ),
        _row("patient(id), processor time of bare", f"{cost:.2f}", f"{BARE_LIMIT}", cost <= BARE_LIMIT),
        f"| patient(id), time of bare | {statistics.median(found.bare.wall):.2f} | | |",
        f"| resident, before and after | {before_mb:.0f} and {after_mb:.0f} MB | | |",
        "",
        "| a second | answers | p50 ms | p99 ms | cores that the servers used |",
        "|--:|--:|--:|--:|--:|",
        *(_rate(one) for one in (usual, *found.faster)),
        "",
        f"| question, at {usual.per_second:.0f} a second | answers | p50 ms | p99 ms |",
        "|---|--:|--:|--:|",
        *(_kind(usual, kind) for kind in sorted(usual.waited.by_kind)),
        "",
        "| patients whose name begins with | p99 ms |",
        "|---|--:|",
        *(f"| {name} | {took:.1f} |" for name, took in found.names_ms.items()),
    ]
    return "\n".join(lines) + "\n"


def save(folder: Path, started: str, text: str) -> Path:
    """Writes the page and returns its path."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{started.replace(':', '').replace(' ', '-')}-big.md"
    path.write_text(text)
    return path


def _row(what: str, measured: str, target: str, met: bool) -> str:
    return f"| {what} | {measured} | at most {target} | {'yes' if met else 'NO'} |"


def _rate(one: Steady) -> str:
    p50, p99 = one.waited.percentile_ms(50), one.waited.percentile_ms(99)
    return f"| {one.per_second:.0f} | {len(one.waited.all_of_them)} | {p50:.1f} | {p99:.1f} | {one.busy:.2f} |"


def _kind(one: Steady, kind: str) -> str:
    p50, p99 = one.waited.percentile_ms(50, kind), one.waited.percentile_ms(99, kind)
    return f"| {kind} | {len(one.waited.by_kind[kind])} | {p50:.1f} | {p99:.1f} |"


def _data(size: Size, loaded_s: float) -> str:
    patients = f"{size.patients:,} patients, three prescriptions and as many orders each"
    return f"{patients}, in one of {size.organizations:,} organizations; loaded in {loaded_s:.0f} s"
