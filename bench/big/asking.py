"""What clients ask of a big organization: reads by identifier and lists, with the documents of the published SDK."""

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from sqlalchemy import text
from tests.api.documents import ORDER, ORDERS, PATIENT, PATIENTS, PRESCRIPTION, PRESCRIPTIONS

from rxauth.storage.database import Transaction

READS_OF_A_HUNDRED: Final = 80
ROWS: Final = 25
_SAMPLED: Final = 5_000
# Beginnings of words, common and rare ones, of three letters and more, without accents; and shorter ones.
NAMES: Final = (
    "mar",
    "smi",
    "john",
    "jose",
    "mueller",
    "gar",
    "wexthorpe",
    "kow",
    "maria garcia",
    "jo ki",
    "zoe",
    "zzz",
)
SHORT_NAMES: Final = ("m", "jo", "li", "jo ki")
_PRESCRIPTION_STATES: Final = ("ACTIVE", "EXPIRED", "DEPLETED", "CANCELED")
_ORDER_STATES: Final = ("ROUTING", "PENDING", "PLACED", "COMPLETED", "CANCELED", "ERROR")


@dataclass(frozen=True, slots=True)
class Known:
    """Identifiers of the organization to ask for, drawn from everywhere in its tables."""

    patients: Sequence[str]
    prescriptions: Sequence[str]
    orders: Sequence[str]
    prescribers: Sequence[str]


@dataclass(frozen=True, slots=True)
class Question:
    """A request of a kind: its document and variables."""

    kind: str
    document: str
    variables: dict[str, Any]

    def sent(self, token: str) -> bytes:
        """Returns the bytes of the request."""
        body = json.dumps({"query": self.document, "variables": self.variables}).encode()
        head = "POST /graphql HTTP/1.1\r\nhost: localhost\r\nuser-agent: bench\r\ncontent-type: application/json\r\n"
        return f"{head}authorization: {token}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


def know(transaction: Transaction, organization_id: str, patients: int) -> Known:
    """Draws the identifiers: from some pages of the tables only, if those are large."""
    percent = min(100.0, 100 * 10 * _SAMPLED / patients)

    def of(column: str, table: str) -> list[str]:
        pages = f"SELECT {column} FROM {table} TABLESAMPLE SYSTEM ({percent:.2f}) WHERE organization_id = :owner"
        found = transaction.connection.execute(text(f"{pages} LIMIT {_SAMPLED}"), {"owner": organization_id})
        return [row[0] for row in found]

    return Known(
        of("id", "patients"), of("id", "prescriptions"), of("id", "orders"), of("prescriber_id", "prescriptions")
    )


def mix(known: Known, seed: int) -> Iterator[Question]:
    """Returns questions without end: eighty reads by identifier for twenty lists of a page."""
    random = Random(seed)
    listed = lists(known, random)
    reads = itertools.cycle([("patient", PATIENT), ("prescription", PRESCRIPTION), ("order", ORDER)])
    while True:
        if random.random() * 100 >= READS_OF_A_HUNDRED:
            yield next(listed)
            continue
        kind, document = next(reads)
        yield Question(f"{kind}(id)", document, {"id": random.choice(getattr(known, f"{kind}s"))})


def lists(known: Known, random: Random) -> Iterator[Question]:
    """Returns lists without end, each filter in its turn."""
    while True:
        for kind, document, chosen in (
            ("patients", PATIENTS, None),
            ("patients of a name", PATIENTS, {"name": random.choice(NAMES)}),
            ("prescriptions", PRESCRIPTIONS, None),
            ("prescriptions of a state", PRESCRIPTIONS, {"state": random.choice(_PRESCRIPTION_STATES)}),
            ("prescriptions of a prescriber", PRESCRIPTIONS, {"prescriberId": random.choice(known.prescribers)}),
            ("prescriptions of a name", PRESCRIPTIONS, {"patientName": random.choice(NAMES)}),
            ("orders", ORDERS, None),
            ("orders of a patient", ORDERS, {"patientId": random.choice(known.patients)}),
            ("orders of a state", ORDERS, {"state": random.choice(_ORDER_STATES)}),
            ("orders of a name", ORDERS, {"patientName": random.choice(NAMES)}),
        ):
            variables: dict[str, Any] = {"first": ROWS} | ({} if chosen is None else {"filter": chosen})
            if chosen is None and random.random() < 0.5:
                variables["after"] = random.choice(getattr(known, kind))
            yield Question(kind, document, variables)
