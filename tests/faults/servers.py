"""Server processes that are killed at random, each followed by a new one."""

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from rxauth.settings import Settings
from tests.live import Process


class Servers:
    """So many processes of `rxauth serve` on one database; variables: what their environment has besides settings."""

    def __init__(self, settings: Settings, number: int, **variables: str) -> None:
        self._settings = settings
        self._variables = variables
        with ThreadPoolExecutor(number) as threads:
            self._serving = list(threads.map(lambda _: self._started(), range(number)))
        self._chance = random.Random(number)
        self.kills = 0

    def url(self) -> str:
        """Returns where some server is, or was a moment ago."""
        return random.choice(self._serving).url

    def kill_one(self) -> None:
        """Kills a server with kill -9 and starts another in its place."""
        place = self._chance.randrange(len(self._serving))
        self._serving[place].kill()
        self.kills += 1
        self._serving[place] = self._started()

    def __enter__(self) -> "Servers":
        """Nothing more: the servers serve already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stops every server gracefully, so that the last records are numbered."""
        with ThreadPoolExecutor(len(self._serving)) as threads:
            list(threads.map(Process.stop, self._serving))

    def _started(self) -> Process:
        return Process(self._settings, **self._variables)

    @contextmanager
    def killing(self, every_s: tuple[float, float]) -> Iterator[None]:
        """Kills servers for the length of a block, with pauses between two lengths."""
        over = threading.Event()
        failures: list[BaseException] = []

        def work() -> None:
            try:
                while not over.wait(self._chance.uniform(*every_s)):
                    self.kill_one()
            except BaseException as error:
                failures.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
        assert not failures, failures
