"""A run: machines on a network of their own, a copy of the clinic, a load on it, and what the checkers say of it."""

import os
import random
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Self

from rxauth.settings import variable_of
from rxauth.storage.database import Database
from tests.faults import checks, found, history
from tests.faults.clinic import Clinic, SignIns
from tests.faults.cluster import PORT as DATABASE_PORT
from tests.faults.cluster import Cluster
from tests.faults.load import Load, Targets
from tests.faults.network import Network
from tests.faults.nodes import AGAIN, PORT, Brood, Node, Nodes
from tests.faults.operations import OK, Operation, Recorder
from tests.faults.proxy import Proxy
from tests.faults.works import Work, everybody

SERVERS: Final = ("as1", "as2", "as3")
DATABASE: Final = "pg"
PROXY: Final = "proxy"
BOUND_S: Final = 1.0  # within which a revocation is seen by every process; more where others keep the machine busy
BUSY_BOUND_S: Final = 3.0
RECOVERY_S: Final = 90.0  # a run that has not recovered by then never will
WANTED: Final = ("token", "use", "exchange code", "refresh", "revoke", "prescribe", "suspend")
Say = Callable[[str], None]


@dataclass(frozen=True)
class Place:
    """Where a run takes place. files: of the clinic's database. seconds: how long a fault goes on."""

    clinic: Clinic
    files: Path
    folder: Path
    results: Path
    seconds: float
    say: Say


@dataclass
class Outcome:
    """What came of a run. tried: in words. lost: what the checkers say. missed: what else was promised and not kept."""

    tried: str
    history: Sequence[Operation] = ()
    injected: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    figures: dict[str, str] = field(default_factory=dict)


class Rig:
    """The machines of one run, made when it is entered. options: of each server, see `Node`."""

    def __init__(
        self,
        place: Place,
        number: str,
        *,
        machines: Sequence[str] = (),
        servers: Sequence[str] = SERVERS,
        is_proxied: bool = False,
        settings: Sequence[str] = (),
        planted: Sequence[str] = (),
        changes: Mapping[str, Any] | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.place = place
        self.number = number
        self.injected: Counter[str] = Counter()
        self.recorder = Recorder(place.results / f"{number}.jsonl")
        self.chance = random.Random(number)
        self.began = time.monotonic()
        self._names = (*servers, DATABASE, *([PROXY] if is_proxied else []), *machines)
        self._servers = servers
        self._database = PROXY if is_proxied else DATABASE
        self.proxy: Proxy | None = None
        self._settings = settings
        self._planted = planted
        self._changes = changes or {}
        self._variables = variables or {}
        self._stack = ExitStack()
        self._loads: list[Load] = []

    def __enter__(self) -> Self:
        """Makes the network, starts the database and then the servers."""
        try:
            self._make()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Ends and removes everything."""
        self._stack.close()

    def _make(self) -> None:
        self.folder = self.place.folder / self.number
        self.folder.mkdir()
        self.folder.chmod(0o711)
        self._stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self._stack.callback(self.recorder.close)
        self.network = Network(self._names)
        self._stack.callback(self.network.remove)
        self._stack.enter_context(self.network.entered())
        self.prepare()
        self.cluster = Cluster(
            self.folder / "pg",
            self.place.files,
            inside=self.network.inside(DATABASE),
            address=self.network.addresses[DATABASE],
            settings=self._settings,
        )
        self._stack.callback(self.cluster.remove)
        if self._database == PROXY:
            target = self.network.addresses[DATABASE], DATABASE_PORT
            self.proxy = Proxy(self.network, PROXY, target, self.inject)
            self._stack.callback(self.proxy.close)
        self.clinic = self.place.clinic.at(self.cluster.folder)
        self.database = Database(self.clinic.settings.database_url)
        self._stack.callback(self.database.close)
        self.nodes = Nodes([self.node(name) for name in self._servers])
        self._stack.callback(self.nodes.stop)
        self.nodes.start()
        self.targets = Targets(self.urls, self.recorder, self.clinic, SignIns(self.clinic, self.database))

    def prepare(self) -> None:
        """Does what must be done before the database is there."""

    def undo(self, work: Callable[..., object], *arguments: object) -> None:
        """Has something done when the run is over, after whatever is begun later was ended."""
        self._stack.callback(work, *arguments)

    def node(self, name: str, planted: Sequence[str] | None = None, **variables: str) -> Node:
        """Returns a server on a machine, not started; variables: what its environment has besides."""
        wanted = self._planted if planted is None else planted
        reached = self.place.clinic.at(self.cluster.folder, self.network.addresses[self._database])
        return (Brood if AGAIN in wanted else Node)(
            name,
            replace(reached.settings, **self._changes),
            self.place.results / f"{self.number}-{name}.log",
            inside=self.network.inside(name),
            host=self.network.addresses[name],
            port=PORT,
            planted=wanted,
            **self._changed(),
            **{**self._variables, **variables},
        )

    def _changed(self) -> dict[str, str]:
        """Returns the settings of this run alone, as the environment has them."""
        others = {name: value for name, value in self._changes.items() if name != "database_url"}
        return {variable_of(name): str(value) for name, value in others.items()}

    def urls(self) -> Mapping[str, str]:
        """Returns where clients send requests: to every server, as behind a proxy that does not know which are well."""
        return {node.name: node.url for node in self.nodes.all}

    def inject(self, what: str) -> None:
        """Counts a fault, which happens now."""
        self.injected[what] += 1
        self.recorder.note(what)

    @contextmanager
    def load(self, works: Sequence[Work] | None = None) -> Iterator[None]:
        """Puts a load on the servers for the length of a block, and says how it goes."""
        load = Load(self.targets, everybody(self.clinic) if works is None else works)
        self._loads.append(load)
        is_over = threading.Event()
        telling = threading.Thread(target=self._tell, args=(is_over,))
        telling.start()
        try:
            with load.running():
                yield
        finally:
            is_over.set()
            telling.join()

    def recovered(self, since: float, kinds: Sequence[str] = WANTED, node: str | None = None) -> float:
        """Waits until each kind of request that began after a moment succeeded; returns how many seconds that took."""
        deadline = since + RECOVERY_S
        while True:
            for load in self._loads:
                load.require_well()
            seen = self.recorder.history()
            good = [one for one in seen if one.began >= since and one.outcome == OK and node in {None, one.node}]
            ended = {
                kind: min((one.ended for one in good if one.kind == kind and one.ended is not None), default=None)
                for kind in kinds
            }
            missing = [kind for kind, at in ended.items() if at is None]
            if not missing:
                return max(at for at in ended.values() if at is not None) - since
            if time.monotonic() > deadline:
                raise TimeoutError(f"{', '.join(missing)} did not work again within {RECOVERY_S:g} s")
            time.sleep(0.1)

    def outcome(
        self, tried: str, *, allowed: frozenset[int] = frozenset(), figures: Mapping[str, str] | None = None
    ) -> Outcome:
        """Stops the servers in good order and says what the checkers find. allowed: what the log may say of itself."""
        self.nodes.stop()
        self._number_the_rest()
        seen = self.recorder.history()
        lost = self.violations(seen)
        lost += found.not_verified(self.clinic, allowed, self._changes.get("audit_checkpoint_file"))
        return Outcome(tried, seen, self.injected, lost, [], {**_measured(seen, self._loads), **(figures or {})})

    def violations(self, seen: tuple[Operation, ...]) -> list[str]:
        """Returns what the checkers say of a history, and of what the database has now."""
        there, noted = found.look(self.clinic, str(self.cluster.folder))
        return [
            *checks.violations(seen, there, self.bound_s()),
            *history.violations(found.calls(seen), noted),
        ]

    def bound_s(self) -> float:
        """Returns how late the change feed may be here."""
        return BOUND_S if os.getloadavg()[0] < 2 * (os.cpu_count() or 1) else BUSY_BOUND_S

    def _number_the_rest(self) -> None:
        """Has one server start and stop, so that the records of those that were killed are numbered."""
        last = self.node(self._servers[0], ())
        last.start()
        last.stop()

    def _tell(self, is_over: threading.Event) -> None:
        while not is_over.wait(1):
            seen = self.recorder.history()
            faults = ", ".join(f"{number} x {what}" for what, number in self.injected.items())
            self.place.say(f"{self.number} {time.monotonic() - self.began:4.0f} s: {len(seen)} operations; {faults}")


def _measured(seen: Sequence[Operation], loads: Sequence[Load]) -> dict[str, str]:
    """Returns what every run measures: the longest time without a success, and how late ends were seen."""
    ended = sorted(one.ended for one in seen if one.outcome == OK and one.ended is not None)
    silences = [later - earlier for earlier, later in pairwise(ended)]
    behind = [behind_s for use, behind_s in checks.lateness(seen) if use.kind in checks.FED]
    waited = [seconds for load in loads for seconds in load.waited()]
    return {
        "longest time without any success": f"{max(silences, default=0):.2f} s",
        "longest time until a retry succeeded": f"{max(waited, default=0):.2f} s",
        "an end was seen everywhere after": f"{max(behind, default=0):.2f} s at most",
    }
