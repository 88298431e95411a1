"""`audit`: checking, copying and proving the audit log."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

if TYPE_CHECKING:
    from rxauth.domain.audit_check import Finding
    from rxauth.storage.database import Transaction

app = typer.Typer(help="Verify the audit log, export it, and prove entries of it.", no_args_is_help=True)
_EVERY = 10_000


@app.command("verify", short_help="Check that nobody changed the log.")
def verify(
    export: Annotated[Path | None, typer.Option(help="Check this export, without the database.")] = None,
    checkpoints: Annotated[
        list[Path] | None, typer.Option(help="A file of checkpoints that was kept elsewhere; may be given again.")
    ] = None,
) -> None:
    """Check the whole log and print what came of each check. The exit code is 1 if anything was found.

    Checkpoints from the file of the settings count too, except for an export.
    """
    from rxauth.cli.installation import read, settings
    from rxauth.clock import Clock
    from rxauth.domain import audit_check, audit_export

    files = list(checkpoints or [])
    if export is None:
        chosen = settings().audit_checkpoint_file
        files += [Path(chosen)] if chosen is not None and Path(chosen).exists() else []
    checker = audit_check.Checker(note for file in files for note in audit_check.notes(_text(file)))
    if export is not None:
        with _open(export) as lines:
            findings = audit_export.check_export(lines, checker, _progress())
    else:
        findings = read(
            lambda tx: audit_export.check_stored(tx, checker, Clock().microseconds(), _progress(audit_export.count(tx)))
        )
    _report(findings)
    key = "none" if checker.verifier is None else checker.verifier.text()
    print(f"\n{checker.size} entries, {checker.covered} of them under a checkpoint. Key: {key}")
    if any(one.problems for one in findings):
        raise typer.Exit(1)


@app.command("export", short_help="Copy the log to a file.")
def export(file: Annotated[Path, typer.Argument(help="The file to write; it must not be there.")]) -> None:
    """Copy the log with its checkpoints to a file that can be verified elsewhere, one JSON object a line."""
    from rxauth.cli.installation import read
    from rxauth.domain import audit_export
    from rxauth.domain.errors import DomainError

    try:
        file.touch(0o600, exist_ok=False)
    except OSError as error:
        raise DomainError(f"{file} cannot be made: {error.strerror}") from None

    def work(transaction: "Transaction") -> int:
        said, lines = _progress(audit_export.count(transaction)), 0
        with file.open("wb") as written:
            for line in audit_export.as_lines(audit_export.stored(transaction)):
                written.write(line + b"\n")
                lines += 1
                said(lines)
        return lines

    print(f"{read(work)} lines are in {file}.")


@app.command("prove", short_help="Prove that an entry is in the log.")
def prove(entry: Annotated[str, typer.Argument(help="The entry's identifier, as an export has it.")]) -> None:
    """Print one entry with the proofs that it is in the log, and that the log was only added to since (RFC 9162)."""
    import json

    from rxauth.cli.installation import read
    from rxauth.domain import audit_export

    print(json.dumps(read(lambda tx: audit_export.prove(tx, entry)), indent=2, ensure_ascii=False))


def _report(findings: "list[Finding]") -> None:
    from rxauth.domain.audit_check import NAMES

    for one in findings:
        print(f"{one.number:>2}  {one.status:<11}  {NAMES[one.number]}" + _why(one))
        for sentence in one.said:
            print(f"      {sentence}")
        if one.problems > len(one.said):
            print(f"      and {one.problems - len(one.said)} more")


def _why(finding: "Finding") -> str:
    return f" ({finding.not_checked})" if finding.status == "not checked" else ""


def _progress(total: int | None = None) -> Callable[[int], None]:
    """Returns what says on standard error, now and then, how far it is."""

    def say(done: int) -> None:
        if done % _EVERY == 0:
            print(f"{done}{'' if total is None else f' of {total}'} entries", file=sys.stderr)

    return say


def _text(file: Path) -> str:
    with _open(file) as opened:
        return opened.read().decode(errors="replace")


def _open(file: Path) -> BinaryIO:
    from rxauth.domain.errors import DomainError

    try:
        return file.open("rb")
    except OSError as error:
        raise DomainError(f"{file} cannot be read: {error.strerror}") from None
