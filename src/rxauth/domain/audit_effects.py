"""Check 11: what the log says was done is what the database shows, and the other way round; a database is needed."""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, Final

import msgspec
from sqlalchemy import bindparam, func, select

from rxauth.domain.audit import Event
from rxauth.domain.audit_authorities import Authorities
from rxauth.domain.audit_findings import Finding
from rxauth.domain.audit_log import PAGE, entries
from rxauth.ids import Kind, new_ulid
from rxauth.storage.database import Transaction
from rxauth.storage.tables.access import client_secrets, clients, organizations
from rxauth.storage.tables.clinical import prescriptions
from rxauth.storage.tables.people import users
from rxauth.storage.tenancy import Statement, sql

_WHY: Final = "the whole log is compared with what it says was done"
_DISABLED_CLIENTS = sql(select(clients.c.id).where(clients.c.disabled_at.is_not(None)), across_tenants=_WHY)
_REVOKED_SECRETS = sql(select(client_secrets.c.id).where(client_secrets.c.revoked_at.is_not(None)), across_tenants=_WHY)
_ENDED: Final[Mapping[str, tuple[str, Statement]]] = {
    Event.CLIENT_DISABLED: ("disabled", _DISABLED_CLIENTS),
    Event.ORGANIZATION_DISABLED: (
        "disabled",
        sql(select(organizations.c.id).where(organizations.c.disabled_at.is_not(None))),
    ),
    Event.PERSON_DISABLED: ("disabled", sql(select(users.c.id).where(users.c.disabled_at.is_not(None)))),
    Event.SECRET_REVOKED: ("revoked", _REVOKED_SECRETS),
}
# What takes back what another event did.
_BEGUN_ANEW: Final[Mapping[str, str]] = {Event.ORGANIZATION_ENABLED: Event.ORGANIZATION_DISABLED}
_PAGE_OF_IDS = (
    select(prescriptions.c.id)
    .where(prescriptions.c.id > bindparam("after"))
    .order_by(prescriptions.c.id)
    .limit(bindparam("most"))
)
_WRITTEN = sql(_PAGE_OF_IDS, across_tenants=_WHY)
_CANCELED = sql(_PAGE_OF_IDS.where(prescriptions.c.state == "CANCELED"), across_tenants=_WHY)
_PRESCRIPTIONS: Final[Mapping[str, tuple[str, Statement]]] = {
    Event.PRESCRIPTION_WRITTEN: ("written", _WRITTEN),
    Event.PRESCRIPTION_CANCELED: ("canceled", _CANCELED),
}
_BEFORE_LOG = sql(
    select(func.count()).select_from(prescriptions).where(prescriptions.c.id < bindparam("first")), across_tenants=_WHY
)


class _Sum:
    """A set of identifiers as a number and a sum, which do not grow with it."""

    def __init__(self) -> None:
        self.value = (0, 0)

    def add(self, identifier: str) -> None:
        """Adds an identifier that was not added yet."""
        digest = int.from_bytes(sha256(identifier.encode()).digest())
        self.value = self.value[0] + 1, (self.value[1] + digest) % 2**256


class Effects:
    """Remembers what entries say was done, until the end of the log."""

    def __init__(self) -> None:
        self._ended: dict[str, set[str]] = {event: set() for event in _ENDED}
        self._prescriptions = {event: _Sum() for event in _PRESCRIPTIONS}
        self._authorities = Authorities()
        self._first = ""
        self._before_log: int | None = None
        self._late = 0

    def add_entry(self, seq: int, record: Mapping[str, Any]) -> None:
        """Remembers what an entry says."""
        event, target = str(record.get("event")), str(record.get("target"))
        if record.get("outcome") != "success":
            return
        if event in self._ended:
            self._ended[event].add(target)
        elif event in _BEGUN_ANEW:
            self._ended[_BEGUN_ANEW[event]].discard(target)
        elif event in self._prescriptions:
            if target >= self._first:
                self._prescriptions[event].add(target)
            elif event == Event.PRESCRIPTION_WRITTEN:
                self._late += 1
        elif event == Event.AUDIT_LOG_OPENED:
            self._first = first_prescription(int(record["at_us"]) // 1_000)
            before = record.get("prescriptions")
            self._before_log = before if isinstance(before, int) else None
        else:
            self._authorities.add_entry(seq, record)

    def finish(self, transaction: Transaction, finding: Finding) -> None:
        """Compares it with what the database shows."""
        for event, (how, statement) in _ENDED.items():
            shown = {row.id for row in transaction.all(statement)}
            _compare(finding, how, shown, self._ended[event])
        for event, (how, statement) in _PRESCRIPTIONS.items():
            found = _Sum()
            for one in _ids(transaction, statement, self._first):
                found.add(one)
            if found.value != self._prescriptions[event].value:
                in_log = set(_targets(transaction, event, self._first))
                _compare(finding, how, set(_ids(transaction, statement, self._first)), in_log)
        self._compare_older(transaction, finding)
        self._authorities.finish(transaction, finding)

    def _compare_older(self, transaction: Transaction, finding: Finding) -> None:
        """Counts prescriptions from before the log, which says how many there were when it was opened."""
        if self._before_log is None:
            return
        older = transaction.first(_BEFORE_LOG, first=self._first)[0]
        if not self._before_log <= older <= self._before_log + self._late:
            finding.add(f"{older} prescriptions are dated before the log, and there were {self._before_log}")


def first_prescription(at_ms: int) -> str:
    """Returns what no identifier of a prescription is below that was made at a moment or later; UTC milliseconds."""
    return f"{Kind.PRESCRIPTION}_{new_ulid(at_ms, bytes(10))}"


def _compare(finding: Finding, how: str, shown: set[str], said: set[str]) -> None:
    for one in sorted(shown - said):
        finding.add(f"{one} is {how}, and no entry says so")
    for one in sorted(said - shown):
        finding.add(f"an entry says that {one} was {how}, and it is not")


def _ids(transaction: Transaction, statement: Statement, first: str) -> Iterator[str]:
    after = first
    while page := transaction.all(statement, after=after, most=PAGE):
        for row in page:
            yield row.id
        after = page[-1].id


def _targets(transaction: Transaction, event: str, first: str) -> Iterator[str]:
    """Reads the log once more, now that something is known to be wrong."""
    for entry in entries(transaction, 0, 2**62):
        if event.encode() in entry.entry:
            record = msgspec.json.decode(entry.entry)["record"]
            if record["event"] == event and record["outcome"] == "success" and record["target"] >= first:
                yield record["target"]
