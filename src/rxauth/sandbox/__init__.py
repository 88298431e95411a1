"""The sandbox: a whole installation in one folder, with organizations, people, credentials and sample data."""

import base64
import json
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

from rxauth.clock import Clock
from rxauth.crypto.passwords import Cost
from rxauth.crypto.sealing import new_sealing_key
from rxauth.crypto.secrets import digest as secret_digest
from rxauth.domain import audit, client_secrets, clients, installation, organizations
from rxauth.domain.client_secrets import Described
from rxauth.policy.permissions import MACHINE_DEFAULT
from rxauth.sandbox import people, providers, sample
from rxauth.sandbox.people import PEOPLE, SandboxPerson
from rxauth.settings import Settings, check
from rxauth.storage.database import Database, Transaction

DEFAULT_FOLDER: Final = Path(".rxauth")
DEFAULT_PORT: Final = 8000
ORGANIZATION_NAME: Final = "Sandbox Clinic"
_CREDENTIALS: Final = "credentials.json"
_SECRET_NAME: Final = "Printed by make run"  # noqa: S105
_SEALING_KEY: Final = "sealing.key"
_NETWORK_SECRET: Final = "network.secret"  # noqa: S105  # a file's name
_PHARMACY: Final = "pharmacy.sqlite"
_DATABASE: Final = "rxauth.sqlite"


class SandboxError(Exception):
    """The sandbox's folder cannot be used as it is; str() says what to do."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What opens the sandbox, kept in a file of mode 0600: its machine client, its people and the client they use.

    browser_client_id None: the sandbox was made before there were people, and gets them when it is next started.
    """

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    browser_client_id: str | None = None
    people: tuple[SandboxPerson, ...] = ()


def exists(folder: Path) -> bool:
    """Tells whether there is a sandbox in a folder."""
    return (folder / _CREDENTIALS).exists()


def make_settings(folder: Path, port: int, pharmacy_url: str | None = None) -> Settings:
    """Returns the settings of the sandbox in a folder, which is made if need be; pharmacy_url None: orders wait."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = _kept(folder / _SEALING_KEY, lambda: base64.b64encode(new_sealing_key()).decode())
    network = {} if pharmacy_url is None else {"pharmacy_network_url": pharmacy_url}
    if pharmacy_url is not None:
        network["pharmacy_network_secret"] = network_secret(folder)
    url = f"http://localhost:{port}"
    return check(
        {
            "issuer": f"{url}/",
            "audience": url,
            "database_url": f"sqlite:///{(folder / _DATABASE).resolve()}",
            "sealing_key": key,
            "listen_port": port,
            "outbound_networks": "127.0.0.0/8,::1/128",  # clients that are tried out run on this machine
            **network,
        }
    )


def network_secret(folder: Path) -> str:
    """Returns what the sandbox and its pharmacy sign with; the folder is made if need be."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return _kept(folder / _NETWORK_SECRET, lambda: secrets.token_hex(32))


def pharmacy_file(folder: Path) -> Path:
    """Returns the file in which the pharmacy keeps what it knows."""
    return folder / _PHARMACY


def fill(database: Database, folder: Path, clock: Clock, port: int) -> Credentials:
    """Makes the organizations, their people and credentials and the sample data, once; returns the credentials.

    A sandbox that was made before there were people, or providers, gets them now.

    Raises:
        SandboxError: there is an organization, but its credentials were taken out of the folder.
    """
    url = f"http://localhost:{port}"
    if not database.read(installation.is_made):
        hashed = people.make_hashes(Cost())
        database.write(lambda tx: _make(tx, folder, clock, url, hashed))
    if not exists(folder):
        raise SandboxError(f"{folder / _CREDENTIALS} is gone. Remove {folder} to start over; its data goes with it.")
    kept = read_credentials(folder)
    if database.read(people.browser_client) is None:
        hashed = people.make_hashes(Cost())
        kept = database.write(lambda tx: _add_people(tx, folder, clock, kept, hashed))
    machine = database.read(lambda tx: clients.load(tx, kept.client_id))
    if machine is not None and database.read(lambda tx: providers.lacks_authority(tx, machine.organization_id)):
        database.write(lambda tx: providers.authorize(tx, machine.organization_id, clock.seconds()))
    now_good = replace(_with_a_secret_that_works(database, kept, clock.seconds()), url=url)
    if now_good != kept:
        _write_credentials(folder, now_good)
    return now_good


def read_credentials(folder: Path) -> Credentials:
    """Reads the credentials of the sandbox in a folder."""
    kept = json.loads((folder / _CREDENTIALS).read_text())
    known = tuple(SandboxPerson(**one) for one in kept.pop("people", ()))
    return Credentials(**kept, people=known)


def remember_secret(folder: Path, client_id: str, client_secret: str) -> None:
    """Keeps a new secret in place of the one before, if it is the sandbox's own client that got it."""
    kept = read_credentials(folder)
    if kept.client_id == client_id:
        _write_credentials(folder, replace(kept, client_secret=client_secret))


def _with_a_secret_that_works(database: Database, kept: Credentials, now: int) -> Credentials:
    """Returns the credentials, with a new secret if theirs was revoked or has ended, on a settings page for one."""

    def work(transaction: Transaction) -> Credentials:
        machine = clients.load(transaction, kept.client_id)
        if machine is None or machine.live_secret(secret_digest(kept.client_secret), now) is not None:
            return kept
        made = client_secrets.add(transaction, machine.organization_id, machine.id, now, Described(_SECRET_NAME))
        act = audit.Act(audit.Event.SECRET_CREATED, audit.OPERATOR, machine.organization_id, made.id)
        audit.record(transaction, act, now * 1_000_000)
        return replace(kept, client_secret=made.text)

    return database.write(work)


def _make(transaction: Transaction, folder: Path, clock: Clock, url: str, hashed: Mapping[str, str]) -> None:
    now = clock.seconds()
    installation.make(transaction, sandbox=True, now=now)
    organization = organizations.create(transaction, ORGANIZATION_NAME, now)
    secret = clients.create_machine_client(transaction, organization.id, "Sandbox backend", MACHINE_DEFAULT, now)
    client_secrets.rename(transaction, organization.id, secret.id, _SECRET_NAME)
    sample.load_reference(transaction)
    sample.load_organization(transaction, organization.id, clock.milliseconds())
    act = audit.Act(audit.Event.SANDBOX_MADE, audit.OPERATOR, organization.id, target=secret.client_id)
    audit.record(transaction, act, clock.microseconds())
    _add_people(transaction, folder, clock, Credentials(url, secret.client_id, secret.text), hashed)


def _add_people(
    transaction: Transaction, folder: Path, clock: Clock, kept: Credentials, hashed: Mapping[str, str]
) -> Credentials:
    """Adds the people to the organization of the machine client, and keeps what opens the sandbox."""
    machine = clients.load(transaction, kept.client_id)
    if machine is None:
        raise SandboxError(f"{folder / _CREDENTIALS} is of another sandbox. Remove {folder} to start over.")
    client_id = people.add(transaction, machine.organization_id, hashed, clock.milliseconds())
    act = audit.Act(audit.Event.CLIENT_CREATED, audit.OPERATOR, machine.organization_id, target=client_id)
    audit.record(transaction, act, clock.microseconds())
    kept = replace(kept, browser_client_id=client_id, people=PEOPLE)
    # Before the commit: a file without its organization is written over next time, the other way round is lost.
    _write_credentials(folder, kept)
    return kept


def _kept(file: Path, make: Callable[[], str]) -> str:
    """Returns the secret in a file, which is made if need be."""
    if not file.exists():
        _write_private(file, make())
    return file.read_text().strip()


def _write_credentials(folder: Path, credentials: Credentials) -> None:
    _write_private(folder / _CREDENTIALS, json.dumps(asdict(credentials), indent=2) + "\n")


def _write_private(path: Path, content: str) -> None:
    """Writes a whole file that only its owner may read, or leaves the old one as it was."""
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
