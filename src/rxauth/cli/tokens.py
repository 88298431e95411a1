"""`token` and `explain`: getting a token, and saying in plain words what one is."""

import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated, NoReturn

import typer


def token(
    *,
    client_id: Annotated[str | None, typer.Option(help="The client's identifier. Without it: the sandbox's.")] = None,
    secret_file: Annotated[
        Path | None, typer.Option(help="The file that has the client's secret, - for standard input.")
    ] = None,
    url: Annotated[str | None, typer.Option(help="The server. Without it: the sandbox's.")] = None,
    audience: Annotated[str | None, typer.Option(help="The API that the token is for.")] = None,
    scope: Annotated[str | None, typer.Option(help="Fewer permissions than the client, or the person, has.")] = None,
    who: Annotated[
        str | None, typer.Option("--as", help="Somebody in the sandbox: an e-mail address, or a role: prescriber.")
    ] = None,
    data: Annotated[Path, typer.Option(help="The sandbox's folder.")] = Path(".rxauth"),
) -> None:
    """Get a token and print it, for scripts: $(rxauth token), or, in a sandbox, $(rxauth token --as prescriber)."""
    import httpx

    from rxauth import sandbox

    if who is not None:
        print(_of_somebody(data, who, scope, audience))
        return
    if client_id is None and secret_file is None:
        if not sandbox.exists(data):
            _fail("give --client-id and --secret-file, or run `rxauth sandbox` in this folder.")
        kept = sandbox.read_credentials(data)
        url, client_id, secret = url or kept.url, kept.client_id, kept.client_secret
    elif client_id is None or secret_file is None or url is None:
        _fail("--client-id, --secret-file and --url go together.")
    else:
        secret = _read_secret(secret_file)
    asked = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    optional = {"audience": audience, "scope": scope}
    asked |= {name: value for name, value in optional.items() if value is not None}
    if not url.startswith(("http://", "https://")):
        _fail(f"{url} is no URL: it starts with https:// or http://.")
    try:
        answer = httpx.post(f"{url.rstrip('/')}/oauth/token", data=asked)
        content = answer.json()
    except httpx.HTTPError as error:
        _fail(f"{url} does not answer ({type(error).__name__}): is the server running?")
    except ValueError:
        _fail(f"{url} answers, but not as an authorization server does.")
    if answer.is_error:
        _fail(f"{content.get('error')}: {content.get('error_description')}")
    print(content["access_token"])


def _of_somebody(folder: Path, who: str, scope: str | None, audience: str | None) -> str:
    """Returns the token of one of the sandbox's people."""
    from rxauth import sandbox
    from rxauth.app import make_server
    from rxauth.clock import Clock
    from rxauth.sandbox.minting import MintError, mint

    if not sandbox.exists(folder):
        _fail(f"--as works in a sandbox, and {folder} has none: run `rxauth sandbox` first.")
    port = int(sandbox.read_credentials(folder).url.rpartition(":")[2])
    server = make_server(sandbox.make_settings(folder, port), Clock())
    with closing(server.database):
        try:
            return mint(server, who, scope, audience)
        except MintError as error:
            _fail(f"{error}.")


def _read_secret(file: Path) -> str:
    if str(file) == "-":
        return sys.stdin.read().strip()
    try:
        return file.read_text().strip()
    except OSError as error:
        _fail(f"{file} cannot be read: {error.strerror}.")


def _fail(sentence: str) -> NoReturn:
    print(f"error: {sentence}", file=sys.stderr)
    raise typer.Exit(1)


def explain(text: Annotated[str, typer.Argument(metavar="TOKEN", help="The token, or - for standard input.")]) -> None:
    """Say in plain words what a token is, and whether and why this installation would accept or refuse it."""
    from rxauth.app import make_server
    from rxauth.cli.installation import settings
    from rxauth.clock import Clock
    from rxauth.oauth import explain

    server = make_server(settings(), Clock())
    with closing(server.database):
        explanation = explain.explain(server, (sys.stdin.read() if text == "-" else text).strip())
    print("\n".join(explanation.lines))
    if not explanation.accepted:
        raise typer.Exit(1)
