"""The access log of the caller's organization: who saw a patient, and what somebody did."""

from collections.abc import Sequence

from rxauth.api.context import Info
from rxauth.domain import access_records, audit_names, patients
from rxauth.domain.access_records import Recorded
from rxauth.domain.errors import AbsentError, InvalidError
from rxauth.domain.paging import page
from rxauth.storage.database import Transaction


def of_patient(
    _root: None, info: Info, patient_id: str, after: str | None = None, first: int | None = None
) -> Sequence[Recorded]:
    """Query.patientAccess: newest first. Who asks is recorded as somebody who asked about the patient.

    Raises:
        AbsentError: the organization has no such patient; an empty answer would say that nobody saw them.
    """
    context = info.context
    key, wanted = context.access_key, page(after, first)
    if key is None:
        raise InvalidError("no access log is kept here")

    def work(transaction: Transaction) -> list[Recorded]:
        found = patients.find(transaction, context.organization_id, patient_id)
        if found is None:
            raise AbsentError("there is no such patient", "patientId")
        context.patient_ids.add(found.id)
        digest = access_records.digest(key, context.organization_id, found.id)
        return access_records.of_patient(transaction, context.organization_id, digest, wanted)

    found = context.read(work)
    context.want(audit_names.of, [one.actor_id for one in found])
    return found


def search(
    _root: None,
    info: Info,
    *,
    actor_id: str | None = None,
    since: int | None = None,
    until: int | None = None,
    after: str | None = None,
    first: int | None = None,
) -> Sequence[Recorded]:
    """Query.accessLog: newest first, of one person or machine, or within a time."""
    context = info.context
    wanted = page(after, first)
    found = context.read(
        lambda tx: access_records.search(
            tx, context.organization_id, wanted, actor_id=actor_id, since_ms=since, until_ms=until
        )
    )
    context.want(audit_names.of, [one.actor_id for one in found])
    return found


def actor_name(record: Recorded, info: Info) -> str | None:
    """AccessRecord.actorName."""
    name: str | None = info.context.get(audit_names.of, record.actor_id)
    return name
