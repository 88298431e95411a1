"""`audit`: checking, copying and proving the audit log; whoever reads it is recorded in it."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

if TYPE_CHECKING:
    from rxauth.domain.access_records import Recorded
    from rxauth.domain.audit import Act
    from rxauth.domain.audit_check import Checker
    from rxauth.domain.audit_findings import Finding
    from rxauth.settings import Settings
    from rxauth.storage.database import Transaction

app = typer.Typer(help="Verify and export the audit log; ask who saw a patient.", no_args_is_help=True)
_EVERY = 10_000


@app.command("verify", short_help="Check that nobody changed the log.")
def verify(
    export: Annotated[Path | None, typer.Option(help="Check this export, without the database.")] = None,
    checkpoints: Annotated[
        list[Path] | None, typer.Option(help="A file of checkpoints that was kept elsewhere; may be given again.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Check the whole log and print what came of each check. The exit code is 1 if anything was found.

    Checkpoints from the file of the settings count too, except for an export. Without one, the log records that it
    was verified.
    """
    from rxauth.cli.installation import read, settings
    from rxauth.clock import Clock
    from rxauth.domain import audit_check, audit_export

    files = list(checkpoints or [])
    chosen = None if export is not None else settings()
    if chosen is not None and chosen.audit_checkpoint_file is not None:
        kept = Path(chosen.audit_checkpoint_file)
        files += [kept] if kept.exists() else []
    checker = audit_check.Checker(note for file in files for note in audit_check.notes(_text(file)))
    if export is not None:
        with _open(export) as lines:
            findings = audit_export.check_export(lines, checker, _progress())
    else:
        findings = read(
            lambda tx: audit_export.check_stored(tx, checker, Clock().microseconds(), _progress(audit_export.count(tx)))
        )
    (_print_json if as_json else _report)(findings, checker)
    if chosen is not None:
        from rxauth.domain import audit_verifications

        _record(chosen, _verified(findings, checker), audit_verifications.record)
    if any(one.problems for one in findings):
        raise typer.Exit(1)


@app.command("export", short_help="Copy the log to a file.")
def export(file: Annotated[Path, typer.Argument(help="The file to write; it must not be there.")]) -> None:
    """Copy the log with its checkpoints to a file that can be verified elsewhere, one JSON object a line."""
    from rxauth.cli.installation import read, settings
    from rxauth.domain import audit, audit_export
    from rxauth.domain.errors import DomainError

    chosen = settings()
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

    written = read(work)
    _record(chosen, audit.Act(audit.Event.AUDIT_EXPORTED, audit.OPERATOR, details={"lines": written}))
    print(f"{written} lines are in {file}.")


@app.command("prove", short_help="Prove that an entry is in the log.")
def prove(entry: Annotated[str, typer.Argument(help="The entry's identifier, as an export has it.")]) -> None:
    """Print one entry with the proofs that it is in the log, and that the log was only added to since (RFC 9162)."""
    import json

    from rxauth.cli.installation import read, settings
    from rxauth.domain import audit, audit_export

    chosen = settings()
    proof = read(lambda tx: audit_export.prove(tx, entry))
    _record(chosen, audit.Act(audit.Event.AUDIT_READ, audit.OPERATOR, target=entry))
    print(json.dumps(proof, indent=2, ensure_ascii=False))


@app.command("rotate-key", short_help="Replace the key that signs checkpoints.")
def rotate_key() -> None:
    """Make a new key for checkpoints. The old one endorses it, and signs no checkpoint of what is recorded from now on.

    Do this at once if somebody else may have the old one. Note the new key where you noted the first.
    """
    from rxauth.cli.installation import settings, write
    from rxauth.clock import Clock
    from rxauth.domain import audit_keys

    chosen = settings()
    verifier = write(lambda tx: audit_keys.rotate(tx, chosen.sealing_key, Clock().microseconds()), chosen)
    _number(chosen)
    print(f"Checkpoints are signed with another key from now on. Key: {verifier.text()}")


@app.command("erase", short_help="Ask why an entry stays.")
def erase(entry: Annotated[str, typer.Argument(help="The entry's identifier, as an export has it.")]) -> None:
    """Say why an entry is not erased, and record that somebody asked. The exit code is 1: no entry ever is."""
    from rxauth.cli.installation import settings, write
    from rxauth.clock import Clock
    from rxauth.domain import audit_retention

    chosen, now_us = settings(), Clock().microseconds()
    raise write(lambda tx: audit_retention.refuse_erasure(tx, entry, chosen.audit_retention_years, now_us), chosen)


@app.command("access", short_help="List who saw a patient.")
def access(
    patient: Annotated[str, typer.Argument(help="The patient's identifier, pat_...")],
    rows: Annotated[int, typer.Option(min=1, max=10_000, help="How many to list.")] = 100,
) -> None:
    """List the operations of the API that showed or changed a patient, newest first; the log records that it was read.

    Outcome: success, partial or failure, and the codes of its errors. Records are there a second after the operation.
    """
    from rxauth.cli.installation import read, settings
    from rxauth.domain import access_records, audit
    from rxauth.domain.paging import FROM_THE_START, Page

    chosen = settings()
    key = access_records.patients_key(chosen.sealing_key)

    def work(transaction: "Transaction") -> "tuple[str, bytes, list[Recorded]]":
        owner = access_records.owner(transaction, patient)
        digest = access_records.digest(key, owner, patient)
        return owner, digest, access_records.of_patient(transaction, owner, digest, Page(rows, FROM_THE_START))

    organization_id, digest, found = read(work)
    details = {"records": len(found)}
    act = audit.Act(audit.Event.ACCESS_LOG_READ, audit.OPERATOR, organization_id, digest.hex(), details=details)
    _record(chosen, act)
    print(_accesses(found) if found else "Nobody, as far as the access log has it.")


def _accesses(found: "list[Recorded]") -> str:
    from rxauth.cli.output import moment, table

    header = ("WHEN", "WHO", "CLIENT", "TOKEN", "FIELDS", "OPERATION", "OUTCOME")
    rows = [
        (
            moment(one.at_ms // 1_000),
            f"{one.actor_kind} {one.actor_id}",
            one.client_id,
            one.token_id,
            ", ".join(one.fields),
            one.operation or "-",
            " ".join((one.outcome, *one.codes)),
        )
        for one in found
    ]
    return table(header, rows)


def _verified(findings: "list[Finding]", checker: "Checker") -> "Act":
    from rxauth.domain import audit

    found = [one for one in findings if one.problems]
    details: dict[str, str | int] = {
        "entries": checker.size,
        "covered": checker.covered,
        "problems": sum(one.problems for one in found),
        "checks": " ".join(str(one.number) for one in found),
    }
    reason = "problems_found" if found else None
    return audit.Act(audit.Event.AUDIT_VERIFIED, audit.OPERATOR, reason=reason, details=details)


def _record(chosen: "Settings", act: "Act", record: "Callable[[Transaction, Act, int], None] | None" = None) -> None:
    """Records that the log was read; who may read it and no more is told that nothing says so.

    record: in which way, if it is a special one.
    """
    from rxauth.cli.installation import write
    from rxauth.clock import Clock
    from rxauth.domain import audit
    from rxauth.storage.database import NotPermittedError

    try:
        write(lambda tx: (record or audit.record)(tx, act, Clock().microseconds()), chosen)
        _number(chosen)
    except NotPermittedError:
        print("(not recorded: the role may only read)", file=sys.stderr)


def _number(chosen: "Settings") -> None:
    """Numbers what waits, which a server may not be there to do; its file of checkpoints is left to the server."""
    from contextlib import closing

    from rxauth.clock import Clock
    from rxauth.domain.audit_sequencer import Sequencer
    from rxauth.storage.database import Database

    with closing(Database(chosen.database_url)) as database:
        Sequencer(database, Clock(), chosen.sealing_key, None).work_once(is_last=True)


def _print_json(findings: "list[Finding]", checker: "Checker") -> None:
    import json

    from rxauth.domain.audit_findings import NAMES

    report = {
        "entries": checker.size,
        "covered": checker.covered,
        "keys": [one.text() for one in checker.verifiers],
        "checks": [
            {
                "number": one.number,
                "name": NAMES[one.number],
                "status": one.status,
                "problems": one.problems,
                "said": one.said,
                "not_checked": one.not_checked,
            }
            for one in findings
        ],
        "is_intact": not any(one.problems for one in findings),
    }
    print(json.dumps(report, indent=2, ensure_ascii=False))


def _report(findings: "list[Finding]", checker: "Checker") -> None:
    from rxauth.domain.audit_findings import NAMES

    for one in findings:
        print(f"{one.number:>2}  {one.status:<11}  {NAMES[one.number]}" + _why(one))
        for sentence in one.said:
            print(f"      {sentence}")
        if one.problems > len(one.said):
            print(f"      and {one.problems - len(one.said)} more")
    first, *later = [one.text() for one in checker.verifiers] or ["none"]
    print(f"\n{checker.size} entries, {checker.covered} of them under a checkpoint. Key: {first}")
    for key in later:
        print(f"It was replaced by: {key}")


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
