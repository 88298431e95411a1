"""`audiences`: APIs of an organization's own, for which its people get tokens."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rxauth.storage.database import Transaction

app = typer.Typer(help="Register and list APIs of an organization's own.", no_args_is_help=True)


@app.command("add", short_help="Register an API.")
def add(
    organization: Annotated[str, typer.Argument(help="The organization's identifier, org_...")],
    identifier: Annotated[str, typer.Argument(help="What clients name as `audience`: the API's URL.")],
    lifetime_s: Annotated[int, typer.Option(help="How long its access tokens live, 60 to 86400 seconds.")] = 3_600,
    algorithm: Annotated[str, typer.Option(help="What they are signed with: RS256, ES256 or EdDSA.")] = "RS256",
) -> None:
    """Register an API of an organization's own: its people's clients may ask for tokens for it from now on."""
    from rxauth.cli.acts import recorded
    from rxauth.cli.installation import settings
    from rxauth.domain import audiences, audit

    chosen = settings()
    reserved = frozenset({chosen.audience, chosen.issuer, f"{chosen.issuer}userinfo"})

    def work(transaction: "Transaction", now: int) -> tuple[str, str, None]:
        new = audiences.Audience(organization, identifier, lifetime_s, algorithm, now)
        audiences.add(transaction, new, reserved=reserved)
        return organization, identifier, None

    recorded(audit.Event.AUDIENCE_ADDED, work, chosen)
    print(f"{identifier} is registered.")


@app.command("list", short_help="List every organization's APIs.")
def list_all() -> None:
    """List every organization's APIs."""
    from rxauth.cli.installation import read
    from rxauth.cli.output import moment, table
    from rxauth.domain import audiences

    rows = [
        (one.organization_id, one.identifier, str(one.lifetime_s), one.algorithm, moment(one.created_at))
        for one in read(audiences.all_of_them)
    ]
    header = ("ORGANIZATION", "AUDIENCE", "LIFETIME (S)", "ALGORITHM", "MADE")
    print(table(header, rows) if rows else "There is none yet: rxauth audiences add ORGANIZATION IDENTIFIER")
