"""`operators`: the people who look after the installation, at its console."""

from typing import Annotated

import typer

app = typer.Typer(help="Say who may use the operator console.", no_args_is_help=True)


@app.command("add", short_help="Make somebody an operator.")
def add(
    email: Annotated[str, typer.Argument(help="The address of whoever it is.")],
    first_name: Annotated[str, typer.Option(help="The first name, of somebody who has no account yet.")] = "",
    last_name: Annotated[str, typer.Option(help="The last name, likewise.")] = "",
) -> None:
    """Make somebody an operator, who gets a letter. An operator has nothing of any organization by it."""
    from rxauth.cli.acts import operator, outbox, say_how_letters_leave
    from rxauth.cli.installation import settings, write
    from rxauth.domain import operator_acts
    from rxauth.domain.names import Name

    chosen, by = settings(), operator()
    name = Name(first_name, last_name) if first_name or last_name else None
    print(write(lambda tx: operator_acts.add_operator(tx, by, email, name, outbox(chosen)), chosen))
    say_how_letters_leave(chosen)


@app.command("list", short_help="List the operators.")
def list_all() -> None:
    """List the operators, those first who have been it for longest."""
    from rxauth.cli.installation import read
    from rxauth.cli.output import moment, table
    from rxauth.domain import operators

    found = read(operators.all_of_them)
    rows = [(one.user_id, one.email, moment(one.added_at), "disabled" if one.is_disabled else "") for one in found]
    print(table(("ID", "EMAIL", "SINCE", "STATE"), rows) if rows else "There is none yet: rxauth operators add EMAIL")


@app.command("remove", short_help="End somebody's being an operator.")
def remove(email: Annotated[str, typer.Argument(help="The operator's address.")]) -> None:
    """End somebody's being an operator, from their next request on; the account stays."""
    from rxauth.cli.acts import operator
    from rxauth.cli.installation import write
    from rxauth.domain import operator_acts

    by = operator()
    print(f"{write(lambda tx: operator_acts.remove_operator(tx, by, email))} is no operator any longer.")
