"""externalId: one patient of an organization has it, also when several are created at the same time."""

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import httpx
from sqlalchemy import text

from rxauth.domain import patients
from rxauth.domain.names import Name
from rxauth.domain.patients import Patient
from rxauth.ids import Kind, new_id
from rxauth.storage.database import Database, Transaction
from tests.api.answers import code, unique, whole_patient
from tests.api.documents import CREATE_PATIENT, PATIENTS, UPDATE_PATIENT, ada
from tests.live import Live
from tests.world import NOW


def create(live: Live, token: str, external_id: str | None, **changes: Any) -> Any:
    """Creates a patient of an externalId and returns it."""
    return live.data(token, CREATE_PATIENT, ada(externalId=external_id) | changes)["createPatient"]


def test_an_external_id_that_a_patient_has_is_refused_to_a_new_one(clinic: Live, token: str) -> None:
    external_id = unique()
    first = create(clinic, token, external_id)

    assert code(clinic.graphql(token, CREATE_PATIENT, ada(externalId=external_id))) == "CONFLICT"
    assert whole_patient(clinic, token, external_id)["id"] == first["id"]


def test_an_external_id_that_a_patient_has_is_refused_to_another_one(clinic: Live, token: str) -> None:
    external_id = unique()
    first, second = create(clinic, token, external_id), create(clinic, token, unique())

    answer = clinic.graphql(token, UPDATE_PATIENT, {"id": second["id"], "externalId": external_id, "gender": "Other"})

    assert code(answer) == "CONFLICT"
    assert whole_patient(clinic, token, external_id)["id"] == first["id"]
    assert clinic.data(token, UPDATE_PATIENT, {"id": second["id"]})["updatePatient"] == second


def test_a_patient_may_be_given_the_external_id_that_it_has(clinic: Live, token: str) -> None:
    made = create(clinic, token, unique())

    assert clinic.data(token, UPDATE_PATIENT, {"id": made["id"], "externalId": made["externalId"]}) == {
        "updatePatient": made
    }


def test_an_external_id_that_was_taken_away_is_free(clinic: Live, token: str) -> None:
    external_id = unique()
    first = create(clinic, token, external_id)
    clinic.data(token, UPDATE_PATIENT, {"id": first["id"], "externalId": None})

    assert whole_patient(clinic, token, external_id) is None
    assert create(clinic, token, external_id)["id"] != first["id"]


def test_patients_without_an_external_id_do_not_collide(clinic: Live, token: str) -> None:
    assert create(clinic, token, None)["id"] != create(clinic, token, None)["id"]


def test_organizations_number_their_patients_on_their_own(clinic: Live, token: str) -> None:
    external_id = unique()
    ours = create(clinic, token, external_id)
    birch = clinic.token(clinic.world.birch)
    theirs = create(clinic, birch, external_id)

    assert whole_patient(clinic, token, external_id)["id"] == ours["id"]
    assert whole_patient(clinic, birch, external_id)["id"] == theirs["id"]


def test_of_ten_parallel_creations_exactly_one_wins(clinic: Live, token: str) -> None:
    external_id = unique()
    last = unique("Q").replace("-", "")
    values = ada(externalId=external_id, name={"first": "Ada", "last": last})

    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(lambda _: clinic.graphql(token, CREATE_PATIENT, values), range(10)))

    won = [one for one in answers if "errors" not in one.json()]
    assert len(won) == 1
    assert {code(one) for one in answers if one not in won} == {"CONFLICT"}
    found = clinic.data(token, PATIENTS, {"filter": {"name": last}})["patients"]
    assert found == [won[0].json()["data"]["createPatient"]]


def test_a_creation_that_began_before_another_one_ended_does_not_win_too(clinic: Live, token: str) -> None:
    external_id = unique()
    identifier = new_id(Kind.PATIENT, NOW * 1000)
    patient = Patient(
        identifier,
        clinic.world.alder.organization_id,
        external_id,
        Name("First", "Writer"),
        "1990-01-01",
        "MALE",
        None,
        None,
        "+12025550170",
        None,
    )
    written, may_commit = threading.Event(), threading.Event()

    def hold(transaction: Transaction) -> None:
        patients.create(transaction, patient, NOW * 1000)
        written.set()
        assert may_commit.wait(20)

    other = clinic.world.open()
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(other.write, hold)
        assert written.wait(20)
        second = threads.submit(clinic.graphql, token, CREATE_PATIENT, ada(externalId=external_id))
        wait_until_it_waits(clinic.server.database, second)
        may_commit.set()
        first.result(20)
        answer = second.result(20)
    other.close()

    assert code(answer) == "CONFLICT"
    assert whole_patient(clinic, token, external_id)["id"] == identifier


def wait_until_it_waits(database: Database, request: Future[httpx.Response]) -> None:
    """Returns when the request's transaction waits for the other one's; on SQLite it cannot even begin before."""
    if database.engines.is_sqlite:
        return
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with database.engines.reader.connect() as connection:
        while connection.execute(waiting).scalar_one() == 0:
            assert not request.done(), "the request did not wait for the transaction that wrote first"
            time.sleep(0.005)
