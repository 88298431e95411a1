"""Copies a clinic's patients to rxauth: who is new is created, who changed is updated, and the rest is left alone."""

import argparse
import csv
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from rxauth_client import GraphQL, MachineCredentials, Operation, OperationError, RxauthError, documents

# Only what is compared: a program that reads no more than it needs has no more to lose.
FIND: Final = """
query FindPatient($id: ID!) {
  patient(id: $id) {
    id name { first last } dateOfBirth sex phone email address { street1 city state postalCode country }
  }
}
"""
UPDATE: Final = """
mutation UpdatePatient(
  $id: ID!, $name: NameInput, $dateOfBirth: AWSDate, $sex: SexType, $phone: AWSPhone, $email: AWSEmail
  $address: AddressInput
) {
  updatePatient(
    id: $id, name: $name, dateOfBirth: $dateOfBirth, sex: $sex, phone: $phone, email: $email, address: $address
  ) { id }
}
"""


def kept(name: str) -> str:
    """Returns what the sandbox keeps to be opened with."""
    folder = Path(os.environ.get("SANDBOX", ".rxauth"))
    return str(json.loads((folder / "credentials.json").read_text())[name])


def secret() -> str:
    """Reads the client secret, at each exchange: after a rotation nothing is restarted."""
    file = os.environ.get("RXAUTH_CLIENT_SECRET_FILE")
    return Path(file).read_text().strip() if file else kept("client_secret")


def as_patient(row: Mapping[str, str]) -> dict[str, Any]:
    """Returns a row of the clinic's in rxauth's words. An empty e-mail or address says nothing, and changes nothing."""
    patient = {
        "name": {"first": row["first"], "last": row["last"]},
        "dateOfBirth": row["born"],
        "sex": {"F": "FEMALE", "M": "MALE"}.get(row["sex"], "UNKNOWN"),
        "phone": row["phone"],
        "email": row["email"] or None,
        "address": None,
    }
    if row["street"]:
        place = {"street1": row["street"], "city": row["city"], "state": row["state"], "postalCode": row["zip"]}
        patient["address"] = place | {"country": "US"}
    return {name: value for name, value in patient.items() if value is not None}


def sync(api: GraphQL, record: str, wanted: dict[str, Any]) -> str:
    """Brings one patient up to date, and returns what that took. The clinic's own number is the patient's externalId.

    rxauth has each externalId once, so a run that broke off, or two at once, make nobody twice.
    """
    find: Operation[dict[str, Any]] = Operation("FindPatient", FIND, {"id": record})
    known = api.run(find)["patient"]
    if known is None:
        api.run(documents.create_patient(externalId=record, **wanted))
        return "created"
    changes = {name: value for name, value in wanted.items() if known[name] != value}
    if not changes:
        return "unchanged"
    update: Operation[dict[str, Any]] = Operation("UpdatePatient", UPDATE, {"id": known["id"]} | changes)
    api.run(update)
    return "updated"


def sync_all(api: GraphQL, file: Path) -> bool:
    """Brings every patient of a file up to date; tells whether all were accepted. No name is printed."""
    done: Counter[str] = Counter()
    with file.open(newline="") as lines:
        for row in csv.DictReader(lines):
            try:
                done[sync(api, row["record"], as_patient(row))] += 1
            except OperationError as error:
                done["refused"] += 1
                print(f"record {row['record']}: {error.code} {error.field or ''}: {error}", file=sys.stderr)
    print(", ".join(f"{done[word]} {word}" for word in ("created", "updated", "unchanged", "refused")), flush=True)
    return not done["refused"]


def main() -> int:
    """Runs once, or again and again."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("file", type=Path, help="the clinic's patients, as CSV")
    asked.add_argument("--every", type=float, metavar="SECONDS", help="go on until stopped, with a pause between runs")
    options = asked.parse_args()
    domain, client_id = (
        os.environ.get("RXAUTH_DOMAIN") or kept("url"),
        os.environ.get("RXAUTH_CLIENT_ID") or kept("client_id"),
    )
    api = GraphQL(MachineCredentials(domain, client_id, secret, scope="read:patient write:patient"))
    while True:
        try:
            is_whole = sync_all(api, options.file)
        except RxauthError as error:
            is_whole = False
            print(f"{error.code}: {error} The next run goes on from here.", file=sys.stderr)
        if options.every is None:
            return 0 if is_whole else 1
        time.sleep(options.every)


if __name__ == "__main__":
    sys.exit(main())
