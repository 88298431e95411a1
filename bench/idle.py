"""What idle connections cost: `python -m bench.idle` opens ten thousand and looks at the memory of the server."""

import asyncio
import resource
import tempfile
from pathlib import Path
from typing import Final

from bench.connections import Connection, get, require
from bench.installation import on_sqlite
from bench.load import Post
from bench.machine import resident_mb, two_cores
from bench.overload import body_of
from bench.servers import Running, rxauth_serve, started

CONNECTIONS: Final = 10_000
AT_ONCE: Final = 100
PROMISED_MB: Final = 200


async def _hold(running: Running) -> float:
    """Opens the connections; returns the memory that the server has while they are open."""
    held: list[Connection] = []
    for _ in range(CONNECTIONS // AT_ONCE):
        opened = [Connection(running.url) for _ in range(AT_ONCE)]
        for one in opened:
            await one.__aenter__()
        for one in opened:
            require(await one.send(get("/healthz")), 200)
        held += opened
    taken = resident_mb(running.process_id)
    for one in held:
        await one.__aexit__()
    return taken


def main() -> None:
    """Measures."""
    cores = two_cores()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with tempfile.TemporaryDirectory() as folder:
        installation = on_sqlite(Path(folder))
        first = Post("/oauth/token", {"content-type": "application/json"}, (body_of(installation).decode(),))
        with started(rxauth_serve(installation), cores, first) as running:
            before = resident_mb(running.process_id)
            after = asyncio.run(_hold(running))
    print(f"{CONNECTIONS} idle connections take {after - before:.0f} MB; under {PROMISED_MB} are promised.")


if __name__ == "__main__":
    main()
