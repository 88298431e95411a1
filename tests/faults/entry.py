"""The program of a server that is not what an installation runs: `rxauth serve`, after something in it was replaced.

`python -m tests.faults.entry NAME ...`: each name is a function of `planted`. With `--again` it loads the program once
and has a child serve, and another as soon as that is gone: a kill costs a fraction of a second, not a whole start.
"""

import os
import signal
import sys
from functools import cache

import psycopg  # noqa: F401  # so that children have it
import uvloop  # noqa: F401

import rxauth.app
import rxauth.edge.protocol  # noqa: F401
from rxauth.api import contract
from rxauth.cli import main
from tests.faults import planted
from tests.faults.nodes import AGAIN


def _serve() -> None:
    sys.argv = ["rxauth", "serve"]
    main()


def _serve_again_and_again() -> None:
    vars(contract)["schema"] = cache(contract.schema)  # what never changes, and each child would make anew
    contract.schema()
    children: list[int] = []
    stopping: list[int] = []

    def stop(number: int, _frame: object) -> None:
        stopping.append(number)
        for child in children[-1:]:
            os.kill(child, number)

    def look(_number: int, _frame: object) -> None:
        if os.getppid() != parent:  # whoever started it is gone
            stop(signal.SIGTERM, None)

    parent = os.getppid()
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, 1, 1)
    while not stopping:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGALRM, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            _serve()
            return
        children.append(child)
        os.waitpid(child, 0)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        if name != AGAIN:
            getattr(planted, name.replace("-", "_"))()
    if AGAIN in sys.argv:
        _serve_again_and_again()
    else:
        _serve()
