"""`clients`: an organization's machine client and its secrets."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from rxauth.domain.audit import Event
    from rxauth.domain.client_secrets import NewSecret
    from rxauth.storage.database import Transaction

Result = TypeVar("Result")
_Client = Annotated[str, typer.Argument(help="The client's identifier: 32 letters and digits.")]

app = typer.Typer(help="Make, list and revoke API clients and their secrets.", no_args_is_help=True)


@app.command("create", short_help="Make an organization's machine client.")
def create(
    organization: Annotated[str, typer.Argument(help="The organization's identifier, org_...")],
    name: Annotated[str, typer.Option(help="What the client is called.")] = "Backend",
    permission: Annotated[
        list[str] | None, typer.Option(help="A permission beyond the five that every machine has; may be repeated.")
    ] = None,
) -> None:
    """Make an organization's machine client, and print its credentials, once."""
    from rxauth.domain import audit, clients, organizations
    from rxauth.domain.errors import AbsentError
    from rxauth.policy.permissions import MACHINE_DEFAULT

    def work(transaction: "Transaction", now: int) -> "tuple[str, str, NewSecret]":
        if organizations.find(transaction, organization) is None:
            raise AbsentError(f"there is no organization {organization}")
        permissions = [*MACHINE_DEFAULT, *(permission or [])]
        secret = clients.create_machine_client(transaction, organization, name, permissions, now)
        return organization, secret.client_id, secret

    print_secret(_recorded(audit.Event.CLIENT_CREATED, work))


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
) -> None:
    """Make a new secret and print it, once; the old one works on for a while."""
    from rxauth.domain import audit, clients

    def work(transaction: "Transaction", now: int) -> "tuple[str, str, NewSecret]":
        secret = clients.rotate_secret(transaction, client, overlap * 3600, now)
        found = clients.load(transaction, client)
        return found.organization_id if found else "", secret.id, secret

    secret = _recorded(audit.Event.SECRET_CREATED, work)
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

    _recorded(audit.Event.SECRET_REVOKED, work)
    print(f"{secret} is revoked, and so is every token issued with it.")


@app.command("revoke-tokens", short_help="End every token issued so far.")
def revoke_tokens(client: _Client) -> None:
    """End every token issued to a client so far; its secrets go on working."""
    from rxauth.domain import audit, clients

    def work(transaction: "Transaction", now: int) -> tuple[str, str, None]:
        return clients.revoke_tokens(transaction, client, now).organization_id, client, None

    _recorded(audit.Event.TOKENS_REVOKED, work)
    print(f"Every token issued to {client} so far is revoked.")


@app.command("disable", short_help="Shut a client out.")
def disable(client: _Client) -> None:
    """Shut a client out: it gets no tokens, and those it holds are refused."""
    from rxauth.domain import audit, clients

    def work(transaction: "Transaction", now: int) -> tuple[str, str, None]:
        return clients.disable(transaction, client, now).organization_id, client, None

    _recorded(audit.Event.CLIENT_DISABLED, work)
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


def _recorded(event: "Event", work: "Callable[[Transaction, int], tuple[str, str, Result]]") -> Result:
    """Runs an administrative act and records it in the same transaction.

    work: returns the organization, the identifier of what it acted on, and its result.
    """
    from rxauth.cli.installation import write
    from rxauth.clock import Clock
    from rxauth.domain import audit

    clock = Clock()

    def both(transaction: "Transaction") -> Result:
        organization_id, target, result = work(transaction, clock.seconds())
        act = audit.Act(event, audit.OPERATOR, organization_id, target)
        audit.record(transaction, act, clock.microseconds())
        return result

    return write(both)
