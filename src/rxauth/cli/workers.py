"""Workers: several processes that serve on one socket, and the supervisor that starts them, and each again that ends.

The supervisor forks: it has imported everything and has neither threads nor connections, so a worker starts in a
fraction of a second and shares most of its memory with the others.
"""

import gc
import os
import selectors
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import structlog

from rxauth.cli.output import tell

STOP_LIMIT_S: Final = 30  # longer than a graceful stop takes
AT_ONCE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 30.0
_FIRST_PAUSE_S: Final = 0.5
_READY: Final = b"r"
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)
_log = structlog.get_logger("rxauth.workers")

# Serves as the worker of a number, the first is 0, until SIGTERM; calls the function once it takes requests.
Serve = Callable[[int, Callable[[], None]], None]


class CannotStartError(Exception):
    """A worker ended before it took a request; it has said why."""


@dataclass(slots=True)
class _Worker:
    """One place, and the process in it. process_id None: there is none at the moment; one starts at `starts_at`."""

    number: int
    process_id: int | None = None
    channel: socket.socket | None = None  # tells when it is ready; closed, it tells the worker that we are gone
    started_at: float = 0.0
    starts_at: float = 0.0
    failures: int = 0
    is_ready: bool = False


class Supervisor:
    """Keeps so many workers running until it is told to stop.

    listening: what they take connections from. It stays open while a worker is replaced, so those who come then wait.
    """

    def __init__(self, serve: Serve, number: int, listening: socket.socket, when_ready: Callable[[], None]) -> None:
        self._serve = serve
        self._listening = listening
        self._workers = [_Worker(one) for one in range(number)]
        self._when_ready = when_ready
        self._selector = selectors.DefaultSelector()
        self._signals, self._wakes = os.pipe()
        self._is_serving = False  # once every worker was ready
        self._stops_by: float | None = None

    def run(self) -> None:
        """Serves until SIGTERM or SIGINT, and returns when the last worker has ended.

        Raises:
            CannotStartError: at the start, some worker could not; the others were stopped.
        """
        os.set_blocking(self._signals, False)
        os.set_blocking(self._wakes, False)
        signal.set_wakeup_fd(self._wakes)
        for one in _SIGNALS:
            signal.signal(one, _noted)
        self._selector.register(self._signals, selectors.EVENT_READ)
        gc.collect()
        gc.freeze()  # a collection in a worker would touch, and so copy, what all of them share
        for worker in self._workers:
            self._start(worker)
        while self._stops_by is None or any(one.process_id is not None for one in self._workers):
            self._wait()
            self._bury()
            self._restart()
        if not self._is_serving and any(one.failures for one in self._workers):
            raise CannotStartError

    def _wait(self) -> None:
        """Waits for a signal, or for a worker to be ready, or until it is time to do something."""
        now = time.monotonic()
        moments = [one.starts_at for one in self._workers if one.process_id is None] if self._stops_by is None else []
        moments += [] if self._stops_by is None else [self._stops_by]
        for key, _ in self._selector.select(max(0.0, min(moments) - now) if moments else None):
            if key.fileobj == self._signals:
                self._hear(os.read(self._signals, 4096))
            else:
                self._note_ready(key.data)
        if self._stops_by is not None and time.monotonic() >= self._stops_by:
            self._tell(signal.SIGKILL)
            self._stops_by += STOP_LIMIT_S

    def _hear(self, signals: bytes) -> None:
        for one in signals:
            if one in {signal.SIGTERM, signal.SIGINT}:
                if self._stops_by is None:
                    self._stop()
                else:
                    self._tell(signal.SIGKILL)

    def _stop(self) -> None:
        self._stops_by = time.monotonic() + STOP_LIMIT_S
        self._listening.close()
        for worker in self._workers:
            if worker.process_id is not None and not worker.is_ready:
                # It takes nobody in, and as long as it is there people would queue at a door that is never opened.
                os.kill(worker.process_id, signal.SIGKILL)
                os.waitpid(worker.process_id, 0)
                worker.process_id = None
                self._let_go(worker)
        self._tell(signal.SIGTERM)

    def _note_ready(self, worker: _Worker) -> None:
        if worker.channel is None or worker.channel.recv(1) != _READY:
            self._let_go(worker)
            return
        worker.is_ready = True
        if self._is_serving:
            _log.info("worker_ready", worker=worker.number, process_id=worker.process_id)
        elif all(one.is_ready for one in self._workers):
            self._is_serving = True
            self._when_ready()

    def _bury(self) -> None:
        """Takes note of the workers that have ended."""
        for worker in self._workers:
            if worker.process_id is None:
                continue
            process_id, status = os.waitpid(worker.process_id, os.WNOHANG)
            if process_id:
                self._end(worker, os.waitstatus_to_exitcode(status))

    def _end(self, worker: _Worker, code: int) -> None:
        ended_id, worker.process_id = worker.process_id, None
        self._let_go(worker)
        if self._stops_by is not None:
            return
        if not self._is_serving:
            worker.failures += 1
            self._stop()
            return
        now = time.monotonic()
        was_short = now - worker.started_at < AT_ONCE_S or not worker.is_ready
        worker.failures = worker.failures + 1 if was_short else 0
        pause_s = min(LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** (worker.failures - 1)) if worker.failures else 0.0
        worker.starts_at = now + pause_s
        how: dict[str, Any] = {"exit_code": code} if code >= 0 else {"signal": signal.Signals(-code).name}
        _log.error("worker_ended", worker=worker.number, process_id=ended_id, starts_again_in_s=pause_s, **how)

    def _restart(self) -> None:
        for worker in self._workers if self._stops_by is None else ():
            if worker.process_id is None and time.monotonic() >= worker.starts_at:
                self._start(worker)

    def _start(self, worker: _Worker) -> None:
        ours, theirs = socket.socketpair()
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # or the child would put one into our pipe
        process_id = os.fork()
        if process_id == 0:
            self._be(worker, ours, theirs)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        theirs.close()
        worker.process_id, worker.channel = process_id, ours
        worker.started_at, worker.is_ready = time.monotonic(), False
        self._selector.register(ours, selectors.EVENT_READ, worker)

    def _be(self, worker: _Worker, ours: socket.socket, theirs: socket.socket) -> None:
        """Is the worker, in its process, until that ends."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group: the supervisor tells us
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            self._selector.close()
            for one in (ours, *(other.channel for other in self._workers if other.channel is not None)):
                one.close()
            os.close(self._signals)
            os.close(self._wakes)
            threading.Thread(target=_end_without, args=(theirs,), name="supervisor", daemon=True).start()
            self._serve(worker.number, lambda: theirs.sendall(_READY))
            code = 0
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 1
        except Exception as error:
            if not tell(error):
                sys.excepthook(*sys.exc_info())
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _let_go(self, worker: _Worker) -> None:
        if worker.channel is not None:
            self._selector.unregister(worker.channel)
            worker.channel.close()
            worker.channel = None

    def _tell(self, what: signal.Signals) -> None:
        for worker in self._workers:
            if worker.process_id is not None:
                with suppress(ProcessLookupError):
                    os.kill(worker.process_id, what)


def _noted(_signal: int, _frame: object) -> None:
    """Does nothing: the number of the signal is in the pipe."""


def _end_without(supervisor: socket.socket) -> None:
    """Ends this process in good order when the supervisor is gone, however that ended."""
    with suppress(OSError):
        supervisor.recv(1)
    os.kill(os.getpid(), signal.SIGTERM)
