"""`clients`: an organization's machine client and its secrets, and the clients that its people sign in with."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from rxauth.cli.acts import recorded

if TYPE_CHECKING:
    from rxauth.domain.client_secrets import NewSecret
    from rxauth.domain.peoples_clients import PeoplesClient
    from rxauth.storage.database import Transaction

_Client = Annotated[str, typer.Argument(help="The client's identifier: 32 letters and digits.")]

app = typer.Typer(help="Make, list and revoke API clients and their secrets.", no_args_is_help=True)


@app.command("create", short_help="Make a machine client, or one that people sign in with.")
def create(
    organization: Annotated[str, typer.Argument(help="The organization's identifier, org_...")],
    *,
    name: Annotated[str, typer.Option(help="What the client is called; people read it when they sign in.")] = "Backend",
    permission: Annotated[
        list[str] | None, typer.Option(help="A permission beyond the five that every machine has; may be repeated.")
    ] = None,
    kind: Annotated[
        str, typer.Option("--type", help="non_interactive (a machine), spa, native or regular_web.")
    ] = "non_interactive",
    callback: Annotated[
        list[str] | None, typer.Option(help="Where people are sent back to: a URL, or an origin; may be repeated.")
    ] = None,
    logout_url: Annotated[
        list[str] | None, typer.Option(help="Where people may be sent after a logout; may be repeated.")
    ] = None,
    third_party: Annotated[
        bool, typer.Option("--third-party", help="It is somebody else's: people are asked before it gets anything.")
    ] = False,
) -> None:
    """Make an organization's machine client, or with --type one that its people sign in with.

    What it proves itself with is printed once; spa and native clients have nothing to prove themselves with.
    """
    from rxauth.domain.client_urls import Registered
    from rxauth.domain.clients import MACHINE
    from rxauth.domain.errors import InvalidError
    from rxauth.domain.peoples_clients import PeoplesClient

    if kind == MACHINE:
        if callback or logout_url or third_party:
            raise InvalidError("nobody signs in with a machine client: give --type spa, native or regular_web")
        print_secret(_create_machine_client(organization, name, permission or []))
        return
    if permission:
        raise InvalidError("--permission is for machines: what people may do comes from their roles")
    registered = Registered(tuple(callback or ()), tuple(logout_url or ()))
    client_id, secret = _create_peoples_client(organization, PeoplesClient(name, kind, registered, third_party))
    if secret is not None:
        print_secret(secret)
    else:
        print(f"client id      {client_id}")


def _create_machine_client(organization: str, name: str, permissions: list[str]) -> "NewSecret":
    from rxauth.domain import audit, clients
    from rxauth.policy.permissions import MACHINE_DEFAULT

    def work(transaction: "Transaction", now: int) -> "tuple[str, str, NewSecret]":
        _require_organization(transaction, organization)
        all_of_them = [*MACHINE_DEFAULT, *permissions]
        secret = clients.create_machine_client(transaction, organization, name, all_of_them, now)
        return organization, secret.client_id, secret

    return recorded(audit.Event.CLIENT_CREATED, work)


def _create_peoples_client(organization: str, new: "PeoplesClient") -> "tuple[str, NewSecret | None]":
    from rxauth.domain import audit, peoples_clients

    def work(transaction: "Transaction", now: int) -> "tuple[str, str, tuple[str, NewSecret | None]]":
        _require_organization(transaction, organization)
        client_id, secret = peoples_clients.create_peoples_client(transaction, organization, new, now)
        return organization, client_id, (client_id, secret)

    return recorded(audit.Event.CLIENT_CREATED, work)


def _require_organization(transaction: "Transaction", organization: str) -> None:
    from rxauth.domain import organizations
    from rxauth.domain.errors import AbsentError

    if organizations.find(transaction, organization) is None:
        raise AbsentError(f"there is no organization {organization}")


@app.command("list", short_help="List every client and its secrets.")
def list_all() -> None:
    """List every client and its secrets."""
    from rxauth.cli.installation import read
    from rxauth.cli.output import moment, table
    from rxauth.clock import Clock
    from rxauth.domain import clients

    now = Clock().seconds()
    rows = []
    for client in read(clients.all_of_them):
        for secret in client.secrets:
            state = "revoked" if secret.revoked_at is not None else "works" if secret.is_live(now) else "expired"
            state = "client disabled" if client.disabled else state
            made, end = moment(secret.created_at), moment(secret.expires_at)
            rows.append((client.organization_id, client.id, client.name, secret.id, state, made, end))
    header = ("ORGANIZATION", "CLIENT", "NAME", "SECRET", "STATE", "MADE", "ENDS")
    print(table(header, rows) if rows else "There is none yet: rxauth clients create ORGANIZATION")


@app.command("rotate-secret", short_help="Make a new secret; the old one works on.")
def rotate_secret(
    client: _Client,
    overlap: Annotated[int, typer.Option(help="For how many hours the old secret goes on working, 0 to 720.")] = 24,
    name: Annotated[str | None, typer.Option(help="What the new secret is called.")] = None,
) -> None:
    """Make a new secret and print it, once; the old one works on for a while."""
    from rxauth.domain import audit, clients
    from rxauth.domain.client_secrets import OPERATOR, Described
    from rxauth.domain.names import require_text

    def work(transaction: "Transaction", now: int) -> "tuple[str, str, NewSecret]":
        require_text(name, "name")
        secret = clients.rotate_secret(transaction, client, overlap * 3600, now, Described(name, OPERATOR))
        found = clients.load(transaction, client)
        return found.organization_id if found else "", secret.id, secret

    secret = recorded(audit.Event.SECRET_CREATED, work)
    _remember_in_sandbox(secret)
    print_secret(secret)
    print(f"The secret before it works for {overlap} more hours.", file=sys.stderr)


@app.command("revoke-secret", short_help="End a secret, and its tokens, at once.")
def revoke_secret(
    client: _Client, secret: Annotated[str, typer.Argument(help="The secret's identifier, sec_...")]
) -> None:
    """End a secret at once, and every token that was issued with it."""
    from rxauth.domain import audit, clients

    def work(transaction: "Transaction", now: int) -> tuple[str, str, None]:
        return clients.revoke_secret(transaction, client, secret, now).organization_id, secret, None

    recorded(audit.Event.SECRET_REVOKED, work)
    print(f"{secret} is revoked, and so is every token issued with it.")


@app.command("revoke-tokens", short_help="End every token issued so far.")
def revoke_tokens(client: _Client) -> None:
    """End every token issued to a client so far; its secrets go on working."""
    from rxauth.domain import audit, clients

    def work(transaction: "Transaction", now: int) -> tuple[str, str, None]:
        return clients.revoke_tokens(transaction, client, now).organization_id, client, None

    recorded(audit.Event.TOKENS_REVOKED, work)
    print(f"Every token issued to {client} so far is revoked.")


@app.command("disable", short_help="Shut a client out.")
def disable(client: _Client) -> None:
    """Shut a client out: it gets no tokens, and those it holds are refused."""
    from rxauth.domain import audit, clients

    def work(transaction: "Transaction", now: int) -> tuple[str, str, None]:
        return clients.disable(transaction, client, now).organization_id, client, None

    recorded(audit.Event.CLIENT_DISABLED, work)
    print(f"{client} is disabled.")


def _remember_in_sandbox(secret: "NewSecret") -> None:
    """Keeps a sandbox's own credentials good when its client gets a new secret."""
    from rxauth import sandbox
    from rxauth.cli.installation import is_sandbox

    if is_sandbox():
        sandbox.remember_secret(sandbox.DEFAULT_FOLDER, secret.client_id, secret.text)


def print_secret(secret: "NewSecret") -> None:
    """Prints a client's credentials, and that this is the only time."""
    print(f"client id      {secret.client_id}")
    print(f"client secret  {secret.text}")
    print("The secret is shown this once: only a digest of it is kept.", file=sys.stderr)
