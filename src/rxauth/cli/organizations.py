"""`organizations`: the tenants."""

import sys
from typing import Annotated

import typer

app = typer.Typer(help="Make and list organizations.", no_args_is_help=True)


@app.command("create", short_help="Make an organization.")
def create(
    name: Annotated[str, typer.Argument(help="What the organization is called.")],
    administrator: Annotated[
        str | None, typer.Option(help="The address of whoever manages it, who is invited by a letter.")
    ] = None,
) -> None:
    """Make an organization. Its credentials come next, with `rxauth clients create`."""
    from rxauth.cli.acts import operator, outbox, say_how_letters_leave
    from rxauth.cli.installation import settings, write
    from rxauth.domain import operator_acts

    chosen, by = settings(), operator()
    organization = write(
        lambda tx: operator_acts.create_organization(tx, by, name, administrator, outbox(chosen)),
        chosen,
    )
    print(organization.id)
    if administrator is not None:
        say_how_letters_leave(chosen)
    print(f"Next, its credentials: rxauth clients create {organization.id}", file=sys.stderr)


@app.command("list", short_help="List every organization.")
def list_all() -> None:
    """List every organization."""
    from rxauth.cli.installation import read
    from rxauth.cli.output import moment, table
    from rxauth.domain import organizations

    found = read(organizations.all_of_them)
    rows = [(one.id, one.name, moment(one.created_at), moment(one.disabled_at)) for one in found]
    print(
        table(("ID", "NAME", "MADE", "DISABLED"), rows)
        if rows
        else "There is none yet: rxauth organizations create NAME"
    )


@app.command("disable", short_help="Shut an organization out.")
def disable(organization: Annotated[str, typer.Argument(help="The organization's identifier, org_...")]) -> None:
    """Shut an organization out: its clients get no tokens, and those they hold are refused."""
    from rxauth.cli.acts import operator
    from rxauth.cli.installation import write
    from rxauth.domain import operator_acts

    by = operator()
    write(lambda tx: operator_acts.disable_organization(tx, by, organization))
    print(f"{organization} is disabled.")


@app.command("enable", short_help="Let an organization in again.")
def enable(organization: Annotated[str, typer.Argument(help="The organization's identifier, org_...")]) -> None:
    """Let an organization in again that was disabled: its secrets work, but no token from before does."""
    from rxauth.cli.acts import operator
    from rxauth.cli.installation import write
    from rxauth.domain import operator_acts

    by = operator()
    write(lambda tx: operator_acts.enable_organization(tx, by, organization))
    print(f"{organization} is enabled.")


@app.command("sign-in", short_help="Set what sign-ins for an organization must be like.")
def sign_in(
    organization: Annotated[str, typer.Argument(help="The organization's identifier, org_...")],
    idle: Annotated[int, typer.Option(help="Minutes without activity after which sessions end; 0: as everywhere.")] = 0,
    lifetime: Annotated[int, typer.Option(help="Minutes after which sessions end anyway; 0: as everywhere.")] = 0,
    second_factor: Annotated[bool, typer.Option(help="Whether everybody must prove a second factor.")] = False,
) -> None:
    """Set what sign-ins for an organization must be like; it holds from the next sign-in or renewal on."""
    from rxauth.cli.acts import recorded
    from rxauth.domain import audit, organizations
    from rxauth.storage.database import Transaction

    def work(transaction: Transaction, now: int) -> tuple[str, str, None]:
        limits = {"idle_s": idle * 60 or None, "lifetime_s": lifetime * 60 or None}
        organizations.limit_sessions(transaction, organization, now, **limits)
        organizations.require_second_factor(transaction, organization, now, required=second_factor)
        return organization, organization, None

    recorded(audit.Event.SIGN_IN_RULES_SET, work)
    print(f"Idle sessions end after {idle} minutes." if idle else "Idle sessions end as everywhere.")
    print(f"All sessions end after {lifetime} minutes." if lifetime else "All sessions end as everywhere.")
    print(f"A second factor is {'asked of everybody' if second_factor else 'not asked for'}.")


@app.command("provider-rules", short_help="Set what holds for an organization's providers.")
def provider_rules(
    organization: Annotated[str, typer.Argument(help="The organization's identifier, org_...")],
    solo: Annotated[
        bool, typer.Option(help="Whether providers may be the second person for their own authority; never both.")
    ] = False,
    home_state: Annotated[
        str, typer.Option(help="Where patients are whose state nobody knows, such as NY; empty: nowhere.")
    ] = "",
    signing_age: Annotated[
        int, typer.Option(help="Minutes ago that whoever signs may have proven two factors; 0: not asked.")
    ] = 0,
) -> None:
    """Set what holds for an organization's providers; what is left out is as in the beginning."""
    from rxauth.cli.installation import write
    from rxauth.clock import Clock
    from rxauth.domain import audit, organizations
    from rxauth.storage.database import Transaction

    clock = Clock()
    details: dict[str, str | int] = {"solo": int(solo)}
    details |= {"home_state": home_state} if home_state else {}
    details |= {"signing_max_age_s": signing_age * 60} if signing_age else {}

    def work(transaction: Transaction) -> None:
        organizations.set_provider_rules(
            transaction,
            organization,
            clock.seconds(),
            solo=solo,
            home_state=home_state or None,
            signing_max_age_s=signing_age * 60 or None,
        )
        event = audit.Event.PROVIDER_RULES_SET
        act = audit.Act(event, audit.OPERATOR, organization, organization, details=details)
        audit.record(transaction, act, clock.microseconds())

    write(work)
    print(f"A provider {'may' if solo else 'may not'} be the second person for their own authority.")
    print(f"A patient whose state nobody knows is {f'in {home_state}' if home_state else 'not prescribed for'}.")
    print(f"Signing asks for {f'two factors of the last {signing_age} minutes' if signing_age else 'nothing more'}.")
