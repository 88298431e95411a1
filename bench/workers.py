"""`python -m bench.workers`: what a token takes of the processor with two workers, beside one.

Each worker has as many connections. Both cores are everybody's: the workers', the load's and PostgreSQL's. Rounds are
interleaved, and who begins changes.
"""

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Final

from bench import contenders, installation, load, machine, servers
from bench.installation import Installation
from bench.machine import Cores

WORKERS: Final = (1, 2)
WARM_UP_S: Final = 2.0
PROMISED: Final = 1.05


def main() -> None:
    """Measures and prints a line for each engine."""
    parser = argparse.ArgumentParser(prog="python -m bench.workers", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5, help="how long a run is (5)")
    parser.add_argument("--rounds", type=int, default=5, help="how many runs each has (5)")
    chosen = parser.parse_args()
    cores = machine.two_cores()
    cluster = installation.Cluster()
    try:
        with tempfile.TemporaryDirectory(prefix="rxauth-bench-") as folder:
            for engine, one in (
                ("PostgreSQL", installation.on_postgres(cluster)),
                ("SQLite", installation.on_sqlite(Path(folder))),
            ):
                _measure(engine, one, cores, chosen, Path(folder))
    finally:
        cluster.remove()


def _measure(engine: str, one: Installation, cores: Cores, chosen: argparse.Namespace, folder: Path) -> None:
    found: dict[int, list[tuple[float, float]]] = {workers: [] for workers in WORKERS}
    for number in range(chosen.rounds):
        for workers in WORKERS if number % 2 else reversed(WORKERS):
            found[workers].append(_run(one, workers, cores, chosen.seconds, folder))
    ratios = [two[0] / alone[0] for alone, two in zip(found[1], found[2], strict=True)]
    for workers, runs in found.items():
        used_us, rate = (statistics.median(values) for values in zip(*runs, strict=True))
        print(f"{engine}, workers: {workers}: {used_us:.0f} µs of the processor a token, {rate:,.0f} tokens a second")
    print(
        f"{engine}: two workers take {statistics.median(ratios):.3f} of what one takes, "
        f"{min(ratios):.3f} to {max(ratios):.3f}; {PROMISED} at most is promised.",
        flush=True,
    )


def _run(one: Installation, workers: int, cores: Cores, seconds: float, folder: Path) -> tuple[float, float]:
    """Returns the microseconds of the processor that a token took, and how many there were a second."""
    token, connections = contenders.exchange(one), load.CONNECTIONS * workers
    with servers.started(servers.rxauth_serve(one, workers=workers, on_both_cores=True), cores, token) as server:
        load.put_on(server.url, token, WARM_UP_S, folder, connections)
        used_before = machine.processor_seconds(server.process_id)
        answered = load.put_on(server.url, token, seconds, folder, connections)
        used = machine.processor_seconds(server.process_id) - used_before
    return used * 1e6 / answered.answers, answered.per_second


if __name__ == "__main__":
    main()
