"""`sandbox`, `pharmacy`, `serve`, `migrate`: running an installation."""

import gc
import shlex
import signal
import socket
import sys
import textwrap
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from starlette.types import ASGIApp
    from uvicorn import Server

    from rxauth.sandbox import Credentials
    from rxauth.settings import Settings

_FOLDER = Path(".rxauth")
_JSON = "content-type: application/json"
_LOOK_EVERY_S = 0.5


def sandbox(
    data: Annotated[Path, typer.Option(help="The folder that keeps everything. Remove it to start over.")] = _FOLDER,
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8000,
    pharmacy_speed: Annotated[float, typer.Option(min=0.05, help="The seconds that a step of the pharmacy takes.")] = 2,
) -> None:
    """Serve a sandbox: organizations with sample patients and people, whose credentials are printed ready to use."""
    from rxauth import sandbox
    from rxauth.app import make_app, migrate_database
    from rxauth.clock import Clock
    from rxauth.logs import configure
    from rxauth.sandbox.pharmacy import SandboxPharmacy
    from rxauth.storage.database import Database

    configure()
    pharmacy = SandboxPharmacy(sandbox.pharmacy_file(data), sandbox.network_secret(data), pharmacy_speed)
    settings = sandbox.make_settings(data, port, pharmacy.url)
    with _listen(settings) as listening, pharmacy.report_to(f"127.0.0.1:{port}"):
        migrate_database(settings)
        with closing(Database(settings.database_url)) as database:
            credentials = sandbox.fill(database, data, Clock(), port)
        server = _server(make_app(settings, Clock()))
        print(_welcome(credentials, data, pharmacy_speed), flush=True)
        server.run(sockets=[listening])


def pharmacy(
    secret_file: Annotated[Path, typer.Option(help="The file that has RXAUTH_PHARMACY_NETWORK_SECRET.")],
    server: Annotated[str, typer.Option(help="The server that hears its reports, HOST:PORT.")] = "127.0.0.1:8000",
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8090,
    data: Annotated[Path, typer.Option(help="The file in which it keeps what it knows.")] = Path("pharmacy.sqlite"),
    speed: Annotated[float, typer.Option(min=0.05, help="The seconds that a step takes.")] = 2,
) -> None:
    """Serve the sandbox's pharmacy alone, for a server of your own that you try orders with."""
    from rxauth.sandbox.pharmacy import SandboxPharmacy

    running = SandboxPharmacy(data, secret_file.read_text().strip(), speed, port)
    with running.report_to(server):
        print(f"The sandbox pharmacy takes orders at {running.url}", flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


def serve(
    workers: Annotated[int, typer.Option(min=1, max=64, help="How many processes serve: one for each core.")] = 1,
) -> None:
    """Serve the installation that the settings describe."""
    gc.disable()  # all that is loaded stays: to look through it again and again is a fifth of a start
    from rxauth.app import make_app
    from rxauth.clock import Clock
    from rxauth.logs import configure
    from rxauth.settings import read

    gc.freeze()
    gc.enable()
    configure()
    settings = read()
    with _listen(settings) as listening:
        if workers > 1:
            _supervise(settings, listening, workers)
            return
        server = _server(make_app(settings, Clock()))
        print(f"rxauth serves {_where(settings)}", file=sys.stderr)
        server.run(sockets=[listening])


def _where(settings: "Settings") -> str:
    return f"{settings.issuer} on {settings.listen_host}:{settings.listen_port}"


def _supervise(settings: "Settings", listening: socket.socket, workers: int) -> None:
    """Serves with so many processes, until this one is told to stop; what none of them could mend ends it at once."""
    from rxauth.app import make_app, make_pharmacy_network, make_server
    from rxauth.cli.workers import CannotStartError, Supervisor
    from rxauth.clock import Clock
    from rxauth.storage.database import DatabaseUnavailableError

    make_pharmacy_network(settings)
    make_server(settings, Clock()).database.close()

    def app(number: int) -> "ASGIApp":
        while True:
            try:
                return make_app(settings, Clock(), number)
            except DatabaseUnavailableError:  # it was there: the others answer what they can meanwhile
                time.sleep(_LOOK_EVERY_S)

    def serve_one(number: int, is_ready: Callable[[], None]) -> None:
        _server(app(number), is_ready, is_shared=True).run(sockets=[listening])

    told = f"rxauth serves {_where(settings)} with {workers} workers"
    try:
        Supervisor(serve_one, workers, listening, lambda: print(told, file=sys.stderr, flush=True)).run()
    except CannotStartError:
        print("error: a worker could not start.", file=sys.stderr)
        raise typer.Exit(1) from None


def migrate() -> None:
    """Make the tables, or bring them up to date."""
    from rxauth.app import migrate_database
    from rxauth.cli.installation import settings

    applied = migrate_database(settings())
    print(f"Applied: {', '.join(applied)}." if applied else "The tables are up to date.")


def _listen(settings: "Settings") -> socket.socket:
    """Binds the port before anything else, so that a port in use is one sentence and changes nothing."""
    host = "127.0.0.1" if settings.listen_host == "localhost" else settings.listen_host
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host.strip("[]"), settings.listen_port))
        listening.listen()  # what is printed may be pasted at once: it waits here until the server takes it
    except OSError as error:
        listening.close()
        print(f"error: cannot listen on {host}:{settings.listen_port}: {error.strerror}.", file=sys.stderr)
        print("       Stop what listens there, or choose another port.", file=sys.stderr)
        raise typer.Exit(1) from None
    return listening


def _server(app: "ASGIApp", when_ready: Callable[[], None] | None = None, *, is_shared: bool = False) -> "Server":
    """Returns what serves an application; from here on Ctrl-C ends it in good order, even while it starts."""
    from rxauth.edge.protocol import make_server

    server = make_server(app, when_ready, is_shared=is_shared)
    signal.signal(signal.SIGINT, server.handle_exit)
    return server


def _welcome(credentials: "Credentials", folder: Path, pharmacy_speed: float) -> str:
    from rxauth.cli.output import table
    from rxauth.edge.addresses import MAIL_PATH, SETTINGS_PATH

    exchange = (
        f'{{"client_id":"{credentials.client_id}","client_secret":"{credentials.client_secret}",'
        f'"audience":"{credentials.url}","grant_type":"client_credentials"}}'
    )
    request = (
        f"curl --request POST --url {credentials.url}/oauth/token --header {shlex.quote(_JSON)} \\\n"
        f"  --data {shlex.quote(exchange)}"
    )
    query = shlex.quote('{"query":"{ patients { id name { full } } }"}')
    header = ("EMAIL", "ROLE", "PASSWORD")
    people = table(header, [(one.email, one.role, one.password) for one in credentials.people])
    silent = request.replace("curl ", "curl --silent ", 1)
    return f"""
rxauth sandbox on {credentials.url}, with its data in {folder}. Stop it with Ctrl-C; remove the folder to start over.

  client id      {credentials.client_id}
  client secret  {credentials.client_secret}

People sign in with the browser client {credentials.browser_client_id}:

{textwrap.indent(people, "  ")}

They find their settings at {credentials.url}{SETTINGS_PATH}
Letters are not sent: read them at {credentials.url}{MAIL_PATH}
Orders go to a sandbox pharmacy, which fills them, a step every {pharmacy_speed:g} s (--pharmacy-speed changes it).

Get a token:

{request}

Get one, and use it:

TOKEN=$({silent} | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
curl {credentials.url}/graphql -H "authorization: Bearer $TOKEN" -H {shlex.quote(_JSON)} \\
  --data {query}
"""
