"""rxauth in the tests of others: a sandbox on a port of its own, in a second, with any token that a test needs.

With pytest, the fixture `rxauth_sandbox` of `rxauth.pytest_plugin` is there as soon as rxauth is installed. Tests in
other languages start `python -m rxauth.testing` and speak with it in lines of JSON, as `@rxauth/sdk/testing` does.
"""

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from random import SystemRandom
from typing import IO, Final

from rxauth import __version__
from rxauth.storage.latest import latest_revision

_START_LIMIT_S: Final = 60.0
_PAUSE_S: Final = 0.01
_LOADED_MEANWHILE: Final = ("rxauth.app", "rxauth.sandbox.minting")  # for tokens; the other process loads the same


@dataclass(frozen=True, slots=True)
class RunningSandbox:
    """A sandbox that serves. url: where; client_id, client_secret: of its machine client; folder: what it keeps."""

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    folder: Path

    def token(self, who: str, scope: str | None = None, audience: str | None = None) -> str:
        """Returns an access token of a person: an e-mail address, or a role such as `prescriber`.

        scope, audience: what to ask for; None: all that the person holds, for the server's own API.

        Raises:
            MintError: see there.
        """
        from rxauth import sandbox
        from rxauth.app import make_server
        from rxauth.clock import Clock
        from rxauth.sandbox.minting import mint

        port = int(self.url.rpartition(":")[2])
        server = make_server(sandbox.make_settings(self.folder, port), Clock())
        try:
            return mint(server, who, scope, audience)
        finally:
            server.database.close()


@contextmanager
def running_sandbox(cache: Path | None = None) -> Iterator[RunningSandbox]:
    """Serves a fresh sandbox for the length of a block, from a copy of one that was filled once.

    cache: the folder that keeps the one that is copied; None: `~/.cache/rxauth`.

    Raises:
        RuntimeError: it did not start; str() has what it printed.
    """
    with tempfile.TemporaryDirectory(prefix="rxauth-sandbox-") as temporary:
        folder = Path(temporary) / "sandbox"
        shutil.copytree(_prepared(cache or Path.home() / ".cache" / "rxauth"), folder)
        port = _free_port()
        with tempfile.TemporaryFile("w+") as output:
            command = [sys.executable, "-m", "rxauth", "sandbox", "--data", str(folder), "--port", str(port)]
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)  # noqa: S603
            try:
                for name in _LOADED_MEANWHILE:
                    import_module(name)
                from rxauth.sandbox import read_credentials

                _wait(process, port)
                kept = read_credentials(folder)
                yield RunningSandbox(f"http://localhost:{port}", kept.client_id, kept.client_secret, folder)
            except _NotStartedError:
                output.seek(0)
                raise RuntimeError(f"the sandbox did not start: {output.read()}") from None
            finally:
                process.terminate()
                process.wait()


class _NotStartedError(Exception):
    pass


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    ends_at = time.monotonic() + _START_LIMIT_S
    while time.monotonic() < ends_at and process.poll() is None:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/.well-known/jwks.json"):
            return
        time.sleep(_PAUSE_S)
    raise _NotStartedError


def _prepared(cache: Path) -> Path:
    """Returns the folder of a sandbox that nothing serves; the first who asks makes it, in a second or two."""
    folder = cache / f"sandbox-{__version__}-{latest_revision()}"
    if not folder.exists():
        from rxauth import sandbox
        from rxauth.app import make_keys, migrate_database
        from rxauth.clock import Clock
        from rxauth.storage.database import Database

        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix="draft-", dir=cache))
        settings = sandbox.make_settings(draft, sandbox.DEFAULT_PORT)
        migrate_database(settings)
        with closing(Database(settings.database_url)) as database:
            make_keys(settings, database, Clock())
            sandbox.fill(database, draft, Clock(), sandbox.DEFAULT_PORT)
        try:
            draft.rename(folder)
        except OSError:  # somebody else was quicker, and theirs is as good
            shutil.rmtree(draft)
    return folder


def _free_port() -> int:
    # Below those that a system gives to outgoing connections: the sandbox takes it a second later.
    while True:
        with suppress(OSError), socket.create_server(("127.0.0.1", SystemRandom().randrange(10_000, 32_000))) as found:
            return int(found.getsockname()[1])


def speak(questions: IO[str], answers: IO[str], cache: Path | None) -> None:
    """Serves a sandbox until the questions end; a line of JSON says where it is, and one answers each question.

    A question has `who` and, if need be, `scope` and `audience`; its answer has `token`, or `error`.
    """

    def say(**answer: str) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    with running_sandbox(cache) as one:
        from rxauth.sandbox.minting import MintError

        say(url=one.url, client_id=one.client_id, client_secret=one.client_secret, folder=str(one.folder))
        for line in questions:
            try:
                say(token=one.token(**json.loads(line)))
            except MintError as error:
                say(error=str(error))


if __name__ == "__main__":
    speak(sys.stdin, sys.stdout, Path(sys.argv[1]) if len(sys.argv) > 1 else None)
