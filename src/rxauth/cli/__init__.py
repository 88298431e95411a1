"""The command line. Commands import what they need when they run, so that --help is quick."""

import sys
from typing import Final

import typer

from rxauth.cli import (
    audiences,
    audit,
    clients,
    doctor,
    keys,
    nppes,
    operators,
    organizations,
    people,
    providers,
    reference,
    restored,
    server,
    tokens,
    webhooks,
)

app: Final = typer.Typer(
    name="rxauth",
    help="Authentication and authorization for software that prescribes medicine.\n\n"
    "To try it: `rxauth sandbox`. To run it: set RXAUTH_ISSUER, RXAUTH_AUDIENCE, RXAUTH_DATABASE_URL and "
    "RXAUTH_SEALING_KEY, then `rxauth migrate`, `rxauth organizations create`, `rxauth clients create`, "
    "`rxauth serve`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("sandbox", short_help="Try it: a sandbox with sample data.")(server.sandbox)
app.command("pharmacy", short_help="Try it: the sandbox's pharmacy, alone.")(server.pharmacy)
app.command("serve", short_help="Serve the installation of the settings.")(server.serve)
app.command("migrate", short_help="Make the tables, or bring them up to date.")(server.migrate)
app.command("doctor", short_help="Say what is wrong, and how to mend it.")(doctor.doctor)
app.command("restored", short_help="End what was issued, after a restore.")(restored.restored)
app.add_typer(organizations.app, name="organizations")
app.add_typer(people.app, name="people")
app.add_typer(providers.app, name="providers")
app.add_typer(clients.app, name="clients")
app.add_typer(audiences.app, name="audiences")
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(nppes.app, name="nppes")
app.add_typer(reference.app, name="reference")
app.add_typer(operators.app, name="operators")
app.add_typer(keys.app, name="keys")
app.add_typer(audit.app, name="audit")
app.command("token", short_help="Get a token, for scripts.")(tokens.token)
app.command("explain", short_help="Say in plain words what a token is.")(tokens.explain)


def main() -> None:
    """Runs the command line; what users can mend is one sentence, and no traceback."""
    try:
        app()
    except Exception as error:
        from rxauth.cli.output import tell

        if not tell(error):
            raise
        sys.exit(1)
