"""Which installation a command works on: that of the settings or, where there are none, the sandbox in this folder."""

import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rxauth.crypto.security_module import SecurityModule
    from rxauth.settings import Settings
    from rxauth.storage.database import Database, Transaction

Result = TypeVar("Result")


def is_sandbox() -> bool:
    """Tells whether commands work on the sandbox in this folder: there is one, and no setting is given."""
    from rxauth import sandbox
    from rxauth.settings import PREFIX

    return sandbox.exists(sandbox.DEFAULT_FOLDER) and not any(name.startswith(PREFIX) for name in os.environ)


def settings_file() -> Path | None:
    """Returns the file that settings are read from, if one is named."""
    from rxauth.settings import FILE_VARIABLE

    named = os.environ.get(FILE_VARIABLE)
    return None if named is None else Path(named)


def is_open_to_others(file: Path) -> bool:
    """Tells whether others may read a file; who may read a credential of systemd's, its list says, not its mode."""
    if str(file.parent) == os.environ.get("CREDENTIALS_DIRECTORY"):
        return False
    return bool(file.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))


def settings() -> "Settings":
    """Returns the settings of the environment, or those of the sandbox in `.rxauth` if no setting is given."""
    from rxauth import sandbox
    from rxauth.settings import read

    if not is_sandbox():
        return read()
    print(f"(the sandbox in {sandbox.DEFAULT_FOLDER})", file=sys.stderr)
    port = int(sandbox.read_credentials(sandbox.DEFAULT_FOLDER).url.rpartition(":")[2])
    return sandbox.make_settings(sandbox.DEFAULT_FOLDER, port)


def read(work: "Callable[[Transaction], Result]") -> Result:
    """Reads from the installation's database, whose tables must be up to date."""
    with _database(settings()) as database:
        return database.read(work)


def write(work: "Callable[[Transaction], Result]", chosen: "Settings | None" = None) -> Result:
    """Runs one transaction on the installation's database, whose tables must be up to date.

    chosen: the settings, if they were read already.
    """
    with _database(chosen or settings()) as database:
        return database.write(work)


@contextmanager
def security_module(chosen: "Settings") -> "Iterator[SecurityModule | None]":
    """Opens the security module of the settings for the length of a block; None: signing keys are made here."""
    from rxauth.app import make_security_module

    module = make_security_module(chosen)
    try:
        yield module
    finally:
        if module is not None:
            module.close()


@contextmanager
def _database(chosen: "Settings") -> "Iterator[Database]":
    from rxauth.storage.database import Database
    from rxauth.storage.revisions import require_tables

    with closing(Database(chosen.database_url)) as opened:
        require_tables(opened)
        yield opened
