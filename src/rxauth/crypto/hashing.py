"""A process of its own for slow hashes, of lower priority than everything else.

Not a thread: one that steps back still takes the interpreter's lock when its hash is done, and then every other thread
waits until it is given the processor.
"""

import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar

Result = TypeVar("Result")
_NICENESS: Final = 15
_ATTEMPTS: Final = 2


class HashingEndedError(Exception):
    """The process ended before it answered, and so did the next one."""


class HashingProcess:
    """One process, for one piece of work at a time; it starts with the first, and again if somebody ended it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Calls a function of a module there, blocks until it is done, and returns or raises what it did.

        Raises:
            HashingEndedError: see there.
        """
        with self._lock:
            for _ in range(_ATTEMPTS):
                is_done, answer = self._ask((function, arguments))
                if is_done and isinstance(answer, Exception):
                    raise answer
                if is_done:
                    return answer  # type: ignore[no-any-return]
            raise HashingEndedError

    def close(self) -> None:
        """Ends the process when it has done what is under way."""
        with self._lock:
            self._end()

    def _ask(self, work: tuple[Callable[..., Any], tuple[Any, ...]]) -> tuple[bool, Any]:
        process = self._process = self._process or _started()
        assert process.stdin is not None  # noqa: S101
        assert process.stdout is not None  # noqa: S101
        try:
            pickle.dump(work, process.stdin)
            process.stdin.flush()
            return True, pickle.load(process.stdout)  # noqa: S301  # it comes from a process that is ours alone
        except (EOFError, OSError):
            self._end()
            return False, None

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.communicate()


def _started() -> "subprocess.Popen[bytes]":
    arguments = [sys.executable, "-m", __name__]
    return subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603


def _serve() -> None:
    """Does what is asked until nobody can ask any more."""
    os.nice(_NICENESS)
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C reaches the whole group: the server ends this one when it is done
    while True:
        try:
            function, arguments = pickle.load(sys.stdin.buffer)  # noqa: S301  # only the server writes there
        except EOFError:
            return
        try:
            answer = function(*arguments)
        except Exception as error:
            answer = error
        pickle.dump(answer, sys.stdout.buffer)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    _serve()
