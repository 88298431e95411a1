"""F10: the primary's whole machine dies; Patroni has the synchronous standby take over, and nobody helps."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from rxauth.storage.database import Database
from tests import postgres
from tests.faults.clinic import SignIns
from tests.faults.cluster import PORT
from tests.faults.load import Targets
from tests.faults.rig import DATABASE, Outcome, Place, Rig

STANDBY: Final = "standby"
STORE: Final = "etcd"
EXAMPLE: Final = Path(__file__).parents[2] / "deploy" / "patroni" / "patroni.yml"
_REST: Final = 8008
_PATIENCE_S: Final = 90
_TRUST: Final = ["local all all trust", "host all all 10.0.0.0/8 trust", "host replication all 10.0.0.0/8 trust"]


def run(place: Place) -> Outcome:
    """Runs it: kill -9 of everything on the primary's machine, which then comes back as the standby of the other."""
    with _Failover(place, "F10", machines=[STANDBY, STORE], servers=["as1", "as2"]) as rig:
        rig.hand_over()
        with rig.load():
            time.sleep(place.seconds / 3)
            rig.inject("kill -9 of the primary's machine")
            rig.kill(DATABASE)
            recovery_s = rig.recovered(time.monotonic())
            rig.begin(DATABASE)
            rig.wait_for_standby(STANDBY)
            time.sleep(place.seconds / 3)
        rig.become(STANDBY)
        return rig.outcome(
            "mixed load on two servers; the primary and its Patroni killed, and started again when the standby served",
            figures={"everything works again after": f"{recovery_s:.1f} s"},
        )


class _Failover(Rig):
    """A primary and a synchronous standby, each with Patroni, and the store in which they agree who is which."""

    def prepare(self) -> None:
        """Has servers know both machines."""
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._stack.callback(self._end)
        hosts = [self.network.addresses[name] for name in (DATABASE, STANDBY)]
        self._changes = {"database_url": _url(self.place.clinic.name, *(f"{one}:{PORT}" for one in hosts))}

    def _make(self) -> None:
        super()._make()
        self.database.close()
        folders = [str(self.folder / name) for name in (DATABASE, STANDBY)]
        settings = replace(self.clinic.settings, database_url=_url(self.clinic.name, *folders))
        self.clinic = replace(self.clinic, settings=settings)
        self.database = Database(settings.database_url)
        self._stack.callback(self.database.close)
        self.targets = Targets(self.urls, self.recorder, self.clinic, SignIns(self.clinic, self.database))

    def hand_over(self) -> None:
        """Gives the database to Patroni, and waits until it has a synchronous standby."""
        self.cluster.stop(signal.SIGINT)
        address = self.network.addresses[STORE]
        folder = self._folder(STORE)
        self._start(
            STORE,
            *("etcd", "--name", STORE, "--data-dir", str(folder / "data")),
            *("--listen-client-urls", f"http://{address}:2379", "--advertise-client-urls", f"http://{address}:2379"),
            *(
                "--listen-peer-urls",
                f"http://{address}:2380",
                "--initial-advertise-peer-urls",
                f"http://{address}:2380",
            ),
            *("--initial-cluster", f"{STORE}=http://{address}:2380"),
        )
        self._wait("etcd", lambda: httpx.get(f"http://{address}:2379/health").is_success)
        self.begin(DATABASE)
        self._wait("the primary", lambda: self._state(DATABASE)["role"] in {"master", "primary"})
        self.begin(STANDBY)
        self.wait_for_standby(DATABASE)

    def begin(self, name: str) -> None:
        """Starts Patroni on a machine."""
        folder = self._folder(name)
        address = self.network.addresses[name]
        text = EXAMPLE.read_text().replace("192.0.2.11", address).replace("name: alpha", f"name: {name}")
        wanted = yaml.safe_load(text)
        wanted["etcd3"]["hosts"] = f"{self.network.addresses[STORE]}:2379"
        mine = wanted["postgresql"]
        mine |= {"data_dir": str(folder / "data"), "bin_dir": str(postgres.binaries()), "pg_hba": _TRUST}
        mine |= {"pgpass": str(folder / "pgpass"), "use_unix_socket": True}
        mine["parameters"] = {"unix_socket_directories": str(folder)}
        wanted["bootstrap"]["dcs"]["postgresql"]["parameters"]["track_commit_timestamp"] = "on"
        mine["authentication"]["replication"]["username"] = "postgres"
        file = folder / "patroni.yml"
        file.write_text(yaml.safe_dump(wanted))
        self._start(name, "patroni", str(file))

    def kill(self, name: str) -> None:
        """Ends everything of a machine at once."""
        patroni = self._processes.pop(name)
        patroni.kill()
        data = self.folder / name / "data"
        while numbers := [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/cwd") if _leads_to(path, data)]:
            for number in numbers:
                with suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)
            time.sleep(0.01)
        patroni.wait()

    def wait_for_standby(self, primary: str) -> None:
        """Waits until the other machine is the synchronous standby of this one."""

        def is_there() -> bool:
            standbys = self._state(primary).get("replication") or []
            return [one["sync_state"] for one in standbys] == ["sync"]

        self._wait(f"the standby of {primary}", is_there)

    def become(self, name: str) -> None:
        """Has what looks at the database look at another machine's."""
        self.cluster.folder = self.folder / name

    def _state(self, name: str) -> Any:
        return httpx.get(f"http://{self.network.addresses[name]}:{_REST}/patroni").json()

    def _folder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        return folder

    def _start(self, name: str, *command: str) -> None:
        with (self.place.results / f"{self.number}-{name}-{command[0]}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [*self.network.inside(name), *postgres.as_postgres(), *command],
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={"PATH": os.environ["PATH"], "HOME": str(self.folder / name)},
            )

    def _wait(self, what: str, is_there: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            with suppress(httpx.HTTPError, KeyError):
                if is_there():
                    return
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what} is not there after {_PATIENCE_S} s")
            time.sleep(0.1)

    def _end(self) -> None:
        for name in (DATABASE, STANDBY):
            if name in self._processes:
                self.kill(name)
        for one in self._processes.values():
            one.kill()
            one.wait()


def _url(database: str, *hosts: str) -> str:
    return f"postgresql://{postgres.SERVING}@/{database}?" + "&".join(f"host={one}" for one in hosts)


def _leads_to(link: Path, folder: Path) -> bool:
    try:
        return link.readlink() == folder
    except OSError:
        return False
