"""`people`: who works for an organization."""

import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rxauth.domain.people_import import Line, Newcomer
    from rxauth.policy.roles import Role
    from rxauth.storage.database import Database, Transaction

_BATCH = 50  # a tenth of a second: a server that runs beside it goes on writing
_TELL_EVERY = 1_000
_Organization = Annotated[str, typer.Argument(help="The organization's identifier, org_...")]

app = typer.Typer(help="Invite, list, import and shut out people.", no_args_is_help=True)


@app.command("invite", short_help="Invite somebody by e-mail.")
def invite(
    organization: _Organization,
    email: Annotated[str, typer.Argument(help="The address that the letter goes to.")],
    role: Annotated[list[str], typer.Option(help="A role, such as Staff; may be repeated.")],
) -> None:
    """Invite somebody to work for an organization; the link in the letter is good for 7 days, once."""
    from rxauth.cli.acts import outbox, recorded, say_how_letters_leave
    from rxauth.cli.installation import settings
    from rxauth.domain import audit, invites
    from rxauth.domain.people_import import roles_of
    from rxauth.policy.roles import Role

    chosen = settings()
    asked = invites.Asked(email, roles_of(role))

    def work(transaction: "Transaction", now: int) -> tuple[str, str, str]:
        made = invites.create(transaction, organization, asked, outbox(chosen), now)
        return organization, made.id, made.id

    print(recorded(audit.Event.PERSON_INVITED, work, chosen))
    say_how_letters_leave(chosen)
    if Role.PRESCRIBER in asked.roles:
        print("Prescriber gives nothing until authority is given: rxauth providers propose", file=sys.stderr)


@app.command("list", short_help="List an organization's people.")
def list_all(organization: _Organization) -> None:
    """List an organization's people with their roles, and the invites that nobody accepted yet."""
    from rxauth.cli.installation import read
    from rxauth.cli.output import table
    from rxauth.clock import Clock
    from rxauth.domain import invites, memberships, organizations, users
    from rxauth.domain.errors import AbsentError

    now = Clock().seconds()

    def work(transaction: "Transaction") -> list[tuple[str, str, str, str]]:
        if organizations.find(transaction, organization) is None:
            raise AbsentError(f"there is no organization {organization}")
        rows = []
        for user_id, membership in memberships.of_organization(transaction, organization).items():
            user = users.find(transaction, user_id)
            if user is not None:
                state = "works" if user.disabled_at is None else "disabled"
                rows.append((user.id, user.email, _roles(transaction, organization, user_id, membership.roles), state))
        for one in invites.of_organization(transaction, organization):
            state = "invited" if now < one.expires_at else "invite too old"
            rows.append((one.id, one.email, _roles(transaction, organization, one.id, one.roles), state))
        return rows

    rows = read(work)
    header = ("ID", "EMAIL", "ROLES", "STATE")
    print(table(header, rows) if rows else "There is nobody yet: rxauth people invite ORGANIZATION EMAIL --role ROLE")


def _roles(transaction: "Transaction", organization: str, user_id: str, roles: "frozenset[Role]") -> str:
    """Returns roles as people read them, and says of Prescriber if it still waits for the authority to prescribe."""
    from rxauth.domain import providers
    from rxauth.policy.subjects import UserSubject

    found = providers.find(transaction, organization, user_id)
    authority = None if found is None else providers.authority(found)
    effective = UserSubject(user_id, organization, roles, authority).effective_roles
    return ", ".join(role if role in effective else f"{role} (waits for authority)" for role in sorted(roles))


@app.command("disable", short_help="Shut somebody out.")
def disable(user: Annotated[str, typer.Argument(help="The person's identifier, usr_...")]) -> None:
    """Shut somebody out of every organization: no sign-in, and no session or token holds any longer."""
    from rxauth.cli.acts import recorded
    from rxauth.domain import audit, sessions, users

    def work(transaction: "Transaction", now: int) -> tuple[str, str, None]:
        users.disable(transaction, user, now)
        sessions.end_all(transaction, user, now)
        return "", user, None

    recorded(audit.Event.PERSON_DISABLED, work)
    print(f"{user} is disabled.")


@app.command("reset-factors", short_help="Take somebody's second factors.")
def reset_factors(user: Annotated[str, typer.Argument(help="The person's identifier, usr_...")]) -> None:
    """Take the app, passkeys and recovery codes of somebody who lost them; whoever prescribed is suspended.

    Make sure of who asks: whoever has the password adds new factors at the next sign-in.
    """
    from rxauth.cli.acts import outbox, say_how_letters_leave
    from rxauth.cli.installation import settings, write
    from rxauth.clock import Clock
    from rxauth.domain import factor_resets

    chosen, now = settings(), Clock().seconds()
    write(lambda tx: factor_resets.by_operator(tx, user, outbox(chosen), now), chosen)
    print(f"{user} has no second factor any more.")
    say_how_letters_leave(chosen)


@app.command("import", short_help="Bring people from another system.")
def import_all(
    organization: _Organization,
    file: Annotated[Path, typer.Argument(help="A .csv file with a first line of column names, or a .jsonl file.")],
) -> None:
    """Bring people from another system, with the hashes of their passwords (Argon2id, bcrypt, PBKDF2-SHA256).

    The columns are email, first_name, last_name, title, middle_name, phone, npi, hash and roles. A line that cannot be
    taken is reported with its number, and the others are taken all the same.
    """
    from contextlib import closing

    from rxauth.cli.installation import settings
    from rxauth.domain import organizations
    from rxauth.domain.errors import AbsentError, DomainError
    from rxauth.storage.database import Database
    from rxauth.storage.revisions import require_tables

    taken, refused = 0, 0
    with closing(Database(settings().database_url)) as database:
        require_tables(database)
        if database.read(lambda tx: organizations.find(tx, organization)) is None:
            raise AbsentError(f"there is no organization {organization}")
        lines = _lines(file)
        while batch := list(islice(lines, _BATCH)):
            problems: list[tuple[int, Exception]] = [
                (number, one) for number, one in batch if isinstance(one, DomainError)
            ]
            newcomers = [(number, one) for number, one in batch if not isinstance(one, DomainError)]
            problems += _take_in(database, organization, newcomers)
            for number, problem in sorted(problems, key=lambda found: found[0]):
                print(f"line {number}: {problem}", file=sys.stderr)
            refused += len(problems)
            taken += len(batch) - len(problems)
            if (taken + refused) % _TELL_EVERY == 0:
                print(f"{taken} taken, {refused} refused so far", file=sys.stderr)
    print(f"{taken} people were taken in, {refused} lines were refused.")
    if refused:
        raise typer.Exit(1)


def _lines(file: Path) -> "Iterator[Line]":
    """Reads a file line by line, however long it is."""
    from rxauth.domain.errors import InvalidError
    from rxauth.domain.people_import import read_csv, read_json_lines

    readers = {".csv": read_csv, ".jsonl": read_json_lines}
    if file.suffix not in readers:
        raise InvalidError(f"{file} is neither .csv nor .jsonl")
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            yield from readers[file.suffix](opened)
    except OSError as error:
        raise InvalidError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidError(f"{file} is not UTF-8") from None


def _take_in(
    database: "Database", organization: str, newcomers: "list[tuple[int, Newcomer]]"
) -> "list[tuple[int, Exception]]":
    """Takes people in, in one transaction with their audit records; returns those who were refused, and why."""
    from rxauth.clock import Clock
    from rxauth.domain import audit, people_import
    from rxauth.domain.errors import DomainError
    from rxauth.storage.database import ConflictError

    clock = Clock()

    def work(transaction: "Transaction") -> list[tuple[int, Exception]]:
        problems: list[tuple[int, Exception]] = []
        for number, newcomer in newcomers:
            try:
                user = people_import.take_in(transaction, organization, newcomer, clock.seconds())
            except DomainError as error:
                problems.append((number, error))
                continue
            act = audit.Act(audit.Event.PERSON_IMPORTED, audit.OPERATOR, organization, user.id)
            audit.record(transaction, act, clock.microseconds())
        return problems

    try:
        return database.write(work)
    except ConflictError as error:
        # Somebody else added one of them at the same moment: one by one, so that the others are taken.
        if len(newcomers) == 1:
            return [(newcomers[0][0], error)]
        return [problem for one in newcomers for problem in _take_in(database, organization, [one])]
