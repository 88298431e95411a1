"""`python -m tests.faults`: makes the faults happen, one after the other, and says in a table what came of each.

It needs root, for networks of its own, and PostgreSQL, nftables, iproute2, Patroni and etcd.
"""

import argparse
import datetime
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import memory
from tests.faults import clinic, table
from tests.faults.faults import FAULTS, Fault
from tests.faults.rig import Outcome, Place
from tests.faults.table import Row

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Runs what was chosen, prints the table and keeps it; the exit code is 1 if anything failed."""
    chosen = _arguments()
    if os.geteuid() != 0:
        raise SystemExit("`make faults` makes networks of its own, and must be run as root.")
    for program in ("nft", "ip", "nsenter", "patroni", "etcd"):
        if shutil.which(program) is None:
            raise SystemExit(f"{program} is not installed; `make faults` says what it needs")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    started = datetime.datetime.now(datetime.UTC)
    results = RESULTS / f"{started:%Y%m%d-%H%M%S}"
    results.mkdir(parents=True)
    rows = []
    with _folder() as folder:
        _say("Making a clinic ...")
        made = clinic.make(folder)
        for fault in chosen.faults:
            place = Place(made, folder / "cluster" / "data", folder, results, chosen.seconds, _say)
            rows.append(_row(fault, place))
            table.save(rows, started, RESULTS)  # whatever ends the run, this is known
            _end_line()
            print(f"{fault.number} {fault.title}: {rows[-1].verdict}, {rows[-1].took_s:.0f} s", flush=True)
    page = table.save(rows, started, RESULTS)
    print(f"\n{table.markdown(rows, started)}\nWritten to {page}; the histories are in {results}.")
    if any(row.verdict == "FAILED" for row in rows):
        raise SystemExit(1)


def _row(fault: Fault, place: Place) -> Row:
    runner, began = fault.runner(), time.monotonic()
    if runner is None:
        return Row(fault.number, fault.title, None)
    try:
        outcome = runner(place)
    except Exception as error:
        (place.results / f"{fault.number}-error.txt").write_text(traceback.format_exc())
        outcome = Outcome("it did not end", missed=[f"{type(error).__name__}: {error}"])
    return Row(fault.number, fault.title, outcome, time.monotonic() - began, fault.must_fail)


@contextmanager
def _folder() -> Iterator[Path]:
    made = memory.Folder()
    try:
        yield Path(os.environ["TMPDIR"])
    finally:
        made.remove()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("faults", nargs="*", type=_fault, metavar="F01", help="the faults to make happen (all of them)")
    parser.add_argument("--seconds", type=float, default=30, help="for how long a fault goes on (30)")
    chosen = parser.parse_args()
    chosen.faults = chosen.faults or list(FAULTS)
    return chosen


def _fault(number: str) -> Fault:
    found = next((one for one in FAULTS if one.number == number.upper()), None)
    if found is None:
        raise argparse.ArgumentTypeError(f"{number} is none of {FAULTS[0].number} to {FAULTS[-1].number}")
    return found


def _say(sentence: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{sentence}", end="", file=sys.stderr, flush=True)
    elif time.monotonic() - _said[0] > 10:
        _said[0] = time.monotonic()
        print(sentence, file=sys.stderr, flush=True)


def _end_line() -> None:
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr)


_said = [float("-inf")]

if __name__ == "__main__":
    main()
