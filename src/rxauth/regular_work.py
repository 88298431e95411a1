"""Regular work: a thread of its own that looks again and again whether there is something to do."""

import threading
from collections.abc import Callable


class RegularWork:
    """What each process does once a minute or so.

    act: looks, and does what there is to do. failed: hears what it raised, which the next look makes up for. every_s:
    how long it rests between two looks. rests_first: whether it rests before the first one too.
    """

    def __init__(
        self,
        name: str,
        every_s: float,
        act: Callable[[], object],
        failed: Callable[[Exception], object],
        *,
        rests_first: bool = False,
    ) -> None:
        self._every_s = every_s
        self._act = act
        self._failed = failed
        self._rests_first = rests_first
        self._is_over = False
        self._woken = threading.Event()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    @property
    def is_over(self) -> bool:
        """Whether somebody stopped it: then what is under way comes to an end."""
        return self._is_over

    def start(self) -> None:
        """Looks from now on, until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """Ends it after what is under way; one that was never started is over as well."""
        self._is_over = True
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join()

    def look(self) -> None:
        """Looks once, and does what there is to do."""
        try:
            self._act()
        except Exception as error:  # whatever it is, the next look makes up for it
            self._failed(error)

    def wake(self) -> None:
        """Has it look now."""
        self._woken.set()

    def rest(self, seconds: float) -> None:
        """Waits, but not for longer than until it is woken or stopped."""
        self._woken.wait(seconds)
        self._woken.clear()

    def _work(self) -> None:
        if self._rests_first:
            self.rest(self._every_s)
        while not self._is_over:
            self.look()
            if not self._is_over:
                self.rest(self._every_s)
