"""What the command line prints: sentences, tables, times."""

import datetime
import sys
from collections.abc import Sequence


def as_sentences(error: Exception) -> list[str] | None:
    """Returns what to tell a user of an exception; None: nobody expected it."""
    from rxauth.crypto.jws import SignerUnavailableError
    from rxauth.crypto.sealing import CannotUnsealError
    from rxauth.domain.errors import DomainError
    from rxauth.sandbox import SandboxError
    from rxauth.settings import SettingsError
    from rxauth.storage.database import ConflictError, DatabaseUnavailableError
    from rxauth.storage.revisions import MissingRoleError, NotMigratedError

    if isinstance(error, SettingsError):
        return [*error.problems, "See docs/settings.md. To try rxauth without settings, run `rxauth sandbox`."]
    if isinstance(error, CannotUnsealError):
        return ["RXAUTH_SEALING_KEY is not the key that the signing keys in the database were sealed with."]
    if isinstance(error, ConflictError):
        return [f"Something like it is there already ({error})."]
    if isinstance(error, DatabaseUnavailableError):
        return [f"The database cannot be reached ({error}): check RXAUTH_DATABASE_URL, and that it runs."]
    if isinstance(error, SignerUnavailableError):
        return [f"{error}: check RXAUTH_PKCS11_LIBRARY, RXAUTH_PKCS11_TOKEN and RXAUTH_PKCS11_PIN."]
    if isinstance(error, (DomainError, MissingRoleError, NotMigratedError, SandboxError)):
        return [str(error)]
    return None


def tell(error: Exception) -> bool:
    """Prints on standard error what users can mend; tells whether this is such an error."""
    sentences = as_sentences(error)
    for sentence in sentences or ():
        print(f"error: {sentence}", file=sys.stderr)
    return sentences is not None


def table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Returns rows in columns, with a header."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [header, *rows]
    )


def moment(at_s: int | None) -> str:
    """Returns UTC seconds as people read them; None: a dash."""
    if at_s is None:
        return "-"
    return datetime.datetime.fromtimestamp(at_s, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
