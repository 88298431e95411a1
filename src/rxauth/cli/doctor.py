"""`doctor`: what is wrong with an installation, and how to mend it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rxauth.domain.checkup import Finding
    from rxauth.domain.signing_keys import KeyDescription
    from rxauth.settings import Settings


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False) -> None:
    """Look for what is wrong with the installation of the settings, and say how to mend it. It changes nothing.

    The exit code is 1 if there is a problem; warnings alone do not change it.
    """
    from rxauth.cli.installation import settings
    from rxauth.domain.checkup import Level

    chosen = settings()
    findings = [*_settings(chosen), *_database(chosen)]
    if as_json:
        import json

        print(json.dumps([{"level": one.level, "found": one.found, "mend": one.mend} for one in findings], indent=2))
    else:
        print("\n".join(map(_lines, findings)))
    if any(one.level is Level.PROBLEM for one in findings):
        raise typer.Exit(1)


def _lines(finding: "Finding") -> str:
    mend = "" if finding.mend is None else f"\n         {finding.mend}"
    return f"{finding.level:<7}  {finding.found}{mend}"


def _settings(chosen: "Settings") -> "Iterator[Finding]":
    from rxauth.cli.installation import is_open_to_others, is_sandbox, settings_file
    from rxauth.domain.checkup import ok, problem, warning
    from rxauth.settings import variable_of

    yield ok(f"The settings hold together: {chosen.issuer}")
    file = settings_file()
    if file is not None and is_open_to_others(file):
        yield problem(f"Others may read {file}, which has the sealing key.", f"Run `chmod 600 {file}`.")
    if is_sandbox():
        return
    if chosen.owner_database_url is not None:
        yield warning(
            f"{variable_of('owner_database_url')} is set here: the server does not need it.",
            "Give the owner's password to `rxauth migrate` alone.",
        )
    if chosen.smtp_url is None:
        yield warning("No mail server is set: letters wait.", f"Set {variable_of('smtp_url')}: docs/guides/people.md.")
    if chosen.audit_checkpoint_file is None:
        yield warning(
            "Checkpoints of the audit log are kept in the database alone: whoever owns it can rewrite the log.",
            f"Set {variable_of('audit_checkpoint_file')} to a file elsewhere: docs/guides/audit.md.",
        )


def _database(chosen: "Settings") -> "Iterator[Finding]":
    from contextlib import closing

    from rxauth.app import require_whole_log
    from rxauth.clock import Clock
    from rxauth.domain import checkup, signing_keys
    from rxauth.domain.restoration import RolledBackError
    from rxauth.storage.database import Database, DatabaseUnavailableError, NotPermittedError
    from rxauth.storage.revisions import NotMigratedError, require_tables

    now = Clock().seconds()
    with closing(Database(chosen.database_url)) as database:
        try:
            require_tables(database)
            yield from database.read(lambda tx: list(checkup.check(tx, chosen.sealing_key, now)))
            yield from _security_module(chosen, database.read(signing_keys.descriptions))
            require_whole_log(chosen, database)
        except NotPermittedError:
            yield checkup.problem(
                "The server's role lacks rights that it needs.",
                "Make the roles as in docs/guides/operate.md, and run `rxauth migrate`: it gives them their rights.",
            )
        except DatabaseUnavailableError as error:
            yield checkup.problem(
                f"The database does not answer ({error}).", "Look at it, and at its URL and password."
            )
        except NotMigratedError as error:
            yield checkup.problem(f"The server does not start: {error}.", "See docs/guides/upgrade.md.")
        except RolledBackError as error:
            yield checkup.problem(f"The server does not start: {error}.", "See docs/guides/backup.md.")


def _security_module(chosen: "Settings", keys: "list[KeyDescription]") -> "Iterator[Finding]":
    """Says whether the security module has the keys that are to sign; nothing, if none is there."""
    from rxauth.cli.installation import security_module
    from rxauth.domain.checkup import ok, problem
    from rxauth.domain.signing_keys import KeyState

    mend = "Look at it, and at the settings that begin with RXAUTH_PKCS11: docs/guides/signing-keys.md."
    places = [one.place for one in keys if one.place is not None and one.state is not KeyState.PREVIOUS]
    with security_module(chosen) as module:
        if places and module is None:
            yield problem("Signing keys are in a security module, and the settings name none: nothing is signed.", mend)
        elif module is not None:
            absent = [place for place in places if not module.has(place)]
            for place in absent:
                yield problem(f"The security module does not answer, or has no {place}.", mend)
            if not absent:
                yield ok(f"The security module has {len(places)} signing keys.")
