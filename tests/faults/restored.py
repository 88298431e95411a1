"""F18: the database is restored to an earlier moment; what was issued must not hold, and the log must show the gap."""

import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import psycopg

from rxauth.settings import Settings
from tests.faults import checks
from tests.faults.load import READ, Came, Client, Somebody
from tests.faults.operations import INFO, OK, Operation
from tests.faults.rig import Outcome, Place, Rig
from tests.live import credentials
from tests.live import run as run_command
from tests.world import Tenant

CHECKPOINTS = "F18-checkpoints"
ROLLED_BACK = "is older than that, as after a restore"


class _Archived(Rig):
    """A database whose log is archived, segment by segment."""

    def prepare(self) -> None:
        """Makes the archive."""
        self.archive = self.folder / "archive"
        self.archive.mkdir()
        self.archive.chmod(0o777)
        self._settings = ("archive_mode=on", f"archive_command=cp %p {self.archive}/%f")

    def ask(self, statement: str) -> str:
        """Asks the database as its superuser."""
        with psycopg.connect(
            f"host={self.cluster.folder} user=postgres dbname=postgres", autocommit=True
        ) as connection:
            row = connection.execute(statement.encode()).fetchone()
        return "" if row is None else str(row[0])

    def operate(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Runs a command of the operator."""
        return run_command(self._operators(), *words)

    def restore(self, backup: Path, moment: str) -> None:
        """Puts the backup in the place of the database, and has PostgreSQL bring it to a moment."""
        self.ask("SELECT pg_switch_wal()")
        self.cluster.stop()
        recovery = {
            "restore_command": f"cp {self.archive}/%f %p",
            "recovery_target_time": moment,
            "recovery_target_action": "promote",
        }
        self.cluster.put_back(backup, recovery)

    def _operators(self) -> Settings:
        return replace(self.clinic.settings, audit_checkpoint_file=str(self.place.results / CHECKPOINTS))


def run(place: Place) -> Outcome:
    """Runs it."""
    file = place.results / CHECKPOINTS
    with _Archived(place, "F18", changes={"audit_checkpoint_file": str(file)}) as rig:
        client, backup, export = Client(rig.targets, 0), rig.cluster.folder / "backup", rig.folder / "export.jsonl"
        with rig.load():
            rig.cluster.back_up(backup)
            time.sleep(place.seconds / 2)
            earlier = _signed_in(client, rig.clinic.ann)
            secrets = dict(rig.targets.secrets)
            before, moment, after = time.monotonic(), rig.ask("SELECT clock_timestamp()"), time.monotonic()
            revoked = {"client_id": rig.clinic.app.client_id, "token": earlier.refresh}
            client.ask("revoke", client.form("/oauth/revoke", revoked), lambda _content: Came())
            people, machine = (
                [earlier, _signed_in(client, rig.clinic.bob)],
                _machine_token(client, rig, rig.targets.secrets),
            )
            time.sleep(place.seconds / 2)
        rig.nodes.stop()
        loaded = rig.recorder.history()
        assert rig.operate("audit", "export", str(export)).returncode == 0
        began = time.monotonic()
        rig.restore(backup, moment)
        rig.inject("restore to a moment before the end")
        missed = _does_not_start(rig)
        done = rig.operate("restored", "--export", str(export))
        if done.returncode or "authorization.revoked" not in done.stdout:
            missed.append(f"`rxauth restored` does not say what was lost: {done.stderr or done.stdout}"[:500])
        rig.nodes.start()
        served_s = time.monotonic() - began
        missed += _let_in(client, people, machine)
        if _machine_token(client, rig, secrets) is None:
            missed.append("the machine gets no token any more")
        client.close()
        rig.nodes.stop()
        missed += _log(rig, file)
        gone = sum(one.outcome == OK and one.began > after for one in loaded)
        figures = {"from the restore to serving": f"{served_s:.1f} s", "acknowledged after the moment": str(gone)}
        lost = [*checks.late(loaded, rig.bound_s()), *rig.violations(_known_at(loaded, before))]
        tried = "PostgreSQL restored from a base backup and its archive to a moment amid a mixed load"
        return Outcome(tried, rig.recorder.history(), rig.injected, lost, missed, figures)


def _known_at(history: Sequence[Operation], moment: float) -> tuple[Operation, ...]:
    """Returns a history as it was at a moment: what was under way or came later may be there, or not."""
    return tuple(
        one if one.ended is not None and one.ended < moment else replace(one, outcome=INFO, ended=None)
        for one in history
    )


def _signed_in(client: Client, user_id: str) -> Somebody:
    while (somebody := client.sign_in(user_id)) is None:
        pass
    return somebody


def _machine_token(client: Client, rig: Rig, secrets: Mapping[str, str]) -> str | None:
    """Returns a token for one of some secrets; the load makes secrets and revokes them."""
    machine = rig.clinic.machine
    for secret_id, secret in list(secrets.items())[::-1]:
        body = credentials(Tenant(machine.organization_id, machine.client_id, secret_id, secret))
        heard = client.ask("token", client.form("/oauth/token", body), lambda _content: Came())
        if heard.outcome == OK:
            return str(heard.content["access_token"])
    return None


def _does_not_start(rig: Rig) -> list[str]:
    node = rig.nodes.all[0]
    node.begin()
    try:
        node.wait()
    except RuntimeError as error:
        return [] if ROLLED_BACK in str(error) else [f"a server does not start, and does not say why: {error}"]
    node.stop()
    return ["a server starts on a database that was restored"]


def _let_in(client: Client, people: list[Somebody], machine: str | None) -> list[str]:
    """Says what of that which was issued before still opens something."""
    accepted = []
    for name, token in {**{one.family: one.access for one in people}, "the machine": machine}.items():
        heard = client.ask("use", client.graphql(str(token), READ), lambda _content: Came())
        if heard.status != 401:
            accepted.append(f"the token of {name} is answered with {heard.status}")
    for one in people:
        body = {**client.clinic.app.credentials, "grant_type": "refresh_token", "refresh_token": one.refresh}
        heard = client.ask("refresh", client.form("/oauth/token", body), lambda _content: Came())
        if heard.status != 400:
            accepted.append(f"the refresh token of {one.family} is answered with {heard.status}")
    return accepted


def _log(rig: _Archived, file: Path) -> list[str]:
    """Verifies the log as it is, and then with the checkpoints from before, which must not agree with it."""
    [aside] = file.parent.glob(f"{file.name}.before-*")
    alone, with_them = rig.operate("audit", "verify"), rig.operate("audit", "verify", "--checkpoints", str(aside))
    missed = [] if alone.returncode == 0 else [f"the audit log does not verify: {alone.stdout[-500:]}"]
    return missed if with_them.returncode == 1 else [*missed, "checkpoints from before agree with the restored log"]
