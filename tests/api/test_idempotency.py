"""Idempotency-Key: a repeat gets the first answer, whatever happens, and nothing is done twice (threat M-20)."""

import contextlib
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine, event, text

from rxauth.api.idempotency import MalformedKeyError, read_key
from rxauth.domain import patients
from rxauth.domain.kept_answers import LIFETIME_S
from rxauth.policy.roles import Role
from rxauth.storage.database import DatabaseUnavailableError, TryAgainError
from rxauth.storage.engines import parse_url
from tests.api.answers import MODERN, errors, the_error
from tests.api.management.people import Clinic
from tests.live import Live
from tests.prescribing import CREATE as PRESCRIBE
from tests.prescribing import Practice, states
from tests.storage.test_database import holding_the_write_lock
from tests.token_holders import Holders
from tests.world import World

CREATE = """mutation create($email: AWSEmail, $externalId: ID) {
  createPatient(externalId: $externalId, name: {first: "Once", last: "Only"}, dateOfBirth: "1950-01-01", sex: UNKNOWN,
    phone: "+12025550177", email: $email) { id email }
}"""
TWO = """mutation two($email: AWSEmail) {
  first: createPatient(name: {first: "Once", last: "Only"}, dateOfBirth: "1950-01-01", sex: UNKNOWN,
    phone: "+12025550177", email: $email) { id }
  second: updatePatient(id: "pat_nobody", gender: "f") { id }
}"""
KEYS = {
    '"8e03978e-40d5-43dd-bc93-6894a57f9324"': "8e03978e-40d5-43dd-bc93-6894a57f9324",
    "8e03978e-40d5-43dd-bc93-6894a57f9324": "8e03978e-40d5-43dd-bc93-6894a57f9324",
    " a ": "a",
    '"a"': "a",
    r'"a\"b\\c"': r"a\"b\\c".replace(r"\"", '"').replace(r"\\", "\\"),
    "~!#": "~!#",
    "a" * 255: "a" * 255,
    '"' + "a" * 255 + '"': "a" * 255,
}
MALFORMED = [
    "",
    " ",
    '""',
    '"',
    '"a',
    'a"',
    'a"b',
    "a b",
    '"a b"',
    "a\\b",
    r'"\a"',
    '"a";b',
    "é",
    "a\x7f",
    "a" * 256,
    "a, b",
]


def new_key() -> str:
    """Returns a key that nobody used."""
    return str(uuid.uuid4())


def unseen() -> str:
    """Returns an e-mail address that no patient has."""
    return f"{uuid.uuid4()}@example.com"


def create(
    live: Live, token: str, key: str, email: str, document: str = CREATE, accept: str = "*/*", **variables: Any
) -> httpx.Response:
    """Asks for a patient of an e-mail address."""
    headers = {"idempotency-key": key, "accept": accept}
    return live.graphql(token, document, {"email": email, **variables}, **headers)


def made(live: Live, email: str) -> int:
    """Counts the patients of an e-mail address."""
    return counted(live, "SELECT count(*) FROM patients WHERE email = :value", email)


def counted(live: Live, statement: str, value: object = None) -> int:
    """Returns the number that a statement of the tables' owner finds."""
    owner = live.world.owner()
    with owner.connect() as connection:
        found = int(connection.execute(text(statement), {"value": value}).scalar_one())
    owner.dispose()
    return found


def code(answer: httpx.Response) -> str:
    """Returns the code of the only error, whatever the status."""
    [error] = answer.json()["errors"]
    return str(error["extensions"]["code"])


@pytest.mark.parametrize(("header", "key"), KEYS.items())
def test_a_key_is_read_in_quotes_or_bare(header: str, key: str) -> None:
    assert read_key([header]) == key


@pytest.mark.parametrize("headers", [*([one] for one in MALFORMED), ["a", "a"]], ids=lambda one: str(one)[:30])
def test_what_is_no_key_is_not_taken_for_one(headers: list[str]) -> None:
    with pytest.raises(MalformedKeyError):
        read_key(headers)


def test_a_repeat_gets_the_same_bytes_and_nothing_is_done_again(clinic: Live, token: str) -> None:
    key, email = new_key(), unseen()
    document, operation = CREATE.replace("create", f"create{key[:8]}", 1), f"create{key[:8]}"
    first = create(clinic, token, key, email, document)
    repeats = [create(clinic, token, one, email, document) for one in (key, f'"{key}"')]

    assert first.json()["data"]["createPatient"]["email"] == email
    assert {(one.status_code, one.content) for one in repeats} == {(first.status_code, first.content)}
    assert made(clinic, email) == 1
    clinic.edge.access_log.write()
    shown = "SELECT sum(patients) FROM access_records WHERE operation = :value AND outcome = 'success'"
    assert counted(clinic, shown, operation) == 3
    assert create(clinic, token, new_key(), email, document).content != first.content
    assert made(clinic, email) == 2


def test_a_key_that_was_used_for_another_request_is_refused(clinic: Live, token: str) -> None:
    """Other variables, another document, another operation of it."""
    key, email, other = new_key(), unseen(), unseen()
    create(clinic, token, key, email)
    documents = f"{CREATE} mutation other {{ updatePatient(id: 1, gender: null) {{ id }} }}"
    named = {"query": documents, "variables": {"email": email}}
    key_of_two = new_key()
    headers = {"authorization": token, "idempotency-key": key_of_two}
    assert clinic.http.post("/graphql", json=named | {"operationName": "create"}, headers=headers).is_success

    for answer in (
        create(clinic, token, key, other),
        create(clinic, token, key, email, CREATE.replace("{ id email }", "{ email }")),
        create(clinic, token, key, email, gender="f"),
        clinic.http.post("/graphql", json=named | {"operationName": "other"}, headers=headers),
        create(clinic, token, key, other, accept=MODERN),
    ):
        assert (answer.status_code, code(answer)) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert (made(clinic, email), made(clinic, other)) == (2, 0)


@contextlib.contextmanager
def nobody_makes_patients(world: World) -> Iterator[None]:
    """Has whoever makes a patient wait."""
    url = parse_url(world.settings.owner_database_url or world.settings.database_url)
    if url.drivername == "sqlite":
        with holding_the_write_lock(world):
            yield
        return
    owner = create_engine(url)
    with owner.connect() as connection:
        connection.exec_driver_sql("LOCK TABLE patients IN SHARE ROW EXCLUSIVE MODE")
        yield
        connection.rollback()
    owner.dispose()


def test_of_requests_at_once_one_does_it_and_the_others_are_told_to_wait(clinic: Live, token: str) -> None:
    """The first is held open by hand."""
    key, email = new_key(), unseen()
    with ThreadPoolExecutor(4) as threads:
        with nobody_makes_patients(clinic.world):
            asked = [threads.submit(create, clinic, token, key, email) for _ in range(4)]
            others = _done(asked, 3)
            assert {(one.status_code, code(one)) for one in others} == {(409, "IDEMPOTENCY_KEY_IN_USE")}
            assert {one.headers["retry-after"] for one in others} == {"2"}
        [first] = [one.result() for one in asked if one.result() not in others]

    assert create(clinic, token, key, email).content == first.content
    assert first.json()["data"]["createPatient"]["email"] == email
    assert made(clinic, email) == 1


def test_of_requests_to_two_processes_at_once_one_does_it(live: Live) -> None:
    """Another process says at once that the key is in use; on SQLite it waits for its turn to write, and repeats."""
    other = Live(live.world, live.clock)
    token, key, email = live.token(live.world.alder), new_key(), unseen()
    with ThreadPoolExecutor(2) as threads:
        with nobody_makes_patients(live.world):
            asked = [threads.submit(create, one, token, key, email) for one in (live, other)]
            if not live.server.database.engines.is_sqlite:
                [told] = _done(asked, 1)
                assert (told.status_code, code(told)) == (409, "IDEMPOTENCY_KEY_IN_USE")
        answers = [one.result() for one in asked]
    other.let_go()

    done = [one for one in answers if one.status_code == 200]
    assert len({one.content for one in done}) == 1
    assert len(done) == (2 if live.server.database.engines.is_sqlite else 1)
    assert made(live, email) == 1


def _done(asked: list[Future[httpx.Response]], number: int) -> list[httpx.Response]:
    """Waits until so many are answered."""
    deadline = time.monotonic() + 20
    while sum(one.done() for one in asked) < number:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return [one.result() for one in asked if one.done()]


def test_a_malformed_key_does_nothing_and_a_query_does_not_look_at_it(reading: Live, reader: str) -> None:
    email = unseen()
    for headers in (["a b"], ['"a'], ["a", "a"]):
        sent = [("authorization", reader), *(("idempotency-key", one) for one in headers)]
        answer = reading.http.post("/graphql", json={"query": CREATE, "variables": {"email": email}}, headers=sent)
        assert (answer.status_code, code(answer)) == (400, "BAD_REQUEST")
        assert "Idempotency-Key" in answer.json()["errors"][0]["message"]
        answer = reading.http.post("/graphql", json={"query": "{ catalogs { id } }"}, headers=sent)
        assert "errors" not in answer.json()
    assert made(reading, email) == 0
    assert counted(reading, "SELECT count(*) FROM kept_answers") == 0


def test_the_same_key_of_another_client_person_or_organization_is_another_key(live: Live) -> None:
    holders, key, email = Holders(live), new_key(), unseen()
    apps, people = [holders.app("One"), holders.app("Other")], [holders.person(Role.ADMINISTRATOR) for _ in range(2)]
    tokens = [live.token(one) for one in (live.world.alder, live.world.birch)]
    tokens += [holders.tokens(person, app)["access_token"] for person in people for app in apps]

    answers = [create(live, one, key, email) for one in tokens]
    assert len({one.json()["data"]["createPatient"]["id"] for one in answers}) == len(tokens) == 6
    assert [create(live, one, key, email).content for one in tokens] == [one.content for one in answers]
    # A new token of the same person at the same client goes on with the same keys.
    again = holders.tokens(people[0], apps[0])["access_token"]
    assert create(live, again, key, email).content == answers[2].content
    assert made(live, email) == 6


def test_what_failed_before_it_did_anything_uses_no_key(clinic: Live, token: str) -> None:
    key, email, taken = new_key(), unseen(), new_key()
    create(clinic, token, new_key(), unseen(), externalId=taken)
    lacking = clinic.token(clinic.world.alder, scope="read:patient")
    for answer in (
        create(clinic, token, key, email, "mutation { nothing }"),
        create(clinic, token, key, "no address"),
        create(clinic, lacking, key, email),
        create(clinic, token, key, email, externalId=taken),
        create(clinic, token, key, email, 'mutation { updatePatient(id: "pat_nobody", gender: "f") { id } }'),
    ):
        assert errors(answer)
    assert made(clinic, email) == 0

    assert create(clinic, token, key, email).json()["data"]["createPatient"]["email"] == email
    assert made(clinic, email) == 1


def test_a_refused_prescription_uses_no_key_and_its_record_stays(live: Live) -> None:
    practice, key = Practice(live), new_key()
    header = {"idempotency-key": key}
    refused = live.graphql(practice.token, PRESCRIBE, practice.draft(treatmentId=practice.controlled), **header)
    assert code(refused) == "CONTROLLED_SUBSTANCE"
    assert counted(live, "SELECT count(*) FROM kept_answers") == 0
    recorded = "SELECT count(*) FROM audit_outbox WHERE CAST(entry AS text) LIKE :value"
    if not live.server.database.engines.is_sqlite:
        recorded = recorded.replace("CAST(entry AS text)", "convert_from(entry, 'UTF8')")
    assert counted(live, recorded, "%prescription.refused%") == 1

    first = live.graphql(practice.token, PRESCRIBE, practice.draft(), **header)
    assert live.graphql(practice.token, PRESCRIBE, practice.draft(), **header).content == first.content
    assert first.json()["data"]["createPrescription"]["id"] in states(live.server.database, practice.organization_id)
    assert counted(live, recorded, "%prescription.written%") == 1


def test_of_several_fields_those_that_were_done_are_done_once(clinic: Live, token: str) -> None:
    key, email = new_key(), unseen()
    first = create(clinic, token, key, email, TWO)

    assert code(first) == "NOT_FOUND"
    assert create(clinic, token, key, email, TWO).content == first.content
    assert made(clinic, email) == 1


def test_an_answer_of_which_a_part_was_denied_is_kept_as_it_is(clinic: Live) -> None:
    token, key, email = clinic.token(clinic.world.alder, scope="write:patient"), new_key(), unseen()
    document = CREATE.replace("{ id email }", "{ id prescriptions { id } }")
    first = create(clinic, token, key, email, document)

    assert code(first) == "FORBIDDEN"
    whole = clinic.token(clinic.world.alder)
    assert [create(clinic, one, key, email, document).content for one in (token, whole)] == [first.content] * 2
    assert made(clinic, email) == 1


def test_whoever_lost_a_permission_is_not_shown_the_answer_again(clinic: Live, token: str) -> None:
    key, email = new_key(), unseen()
    first = create(clinic, token, key, email)
    lacking = clinic.token(clinic.world.alder, scope="read:patient")

    answer = create(clinic, lacking, key, email)
    assert errors(answer)[0]["extensions"]["requiredPermission"] == "write:patient"
    assert email not in answer.text
    assert create(clinic, lacking, key, email, accept=MODERN).status_code == 403
    assert create(clinic, token, key, email).content == first.content


def test_after_a_day_a_key_is_new_and_the_answer_is_gone(live: Live) -> None:
    key, email = new_key(), unseen()
    create(live, live.token(live.world.alder), key, email)
    live.clock.advance(LIFETIME_S - 1)
    create(live, live.token(live.world.alder), key, email)
    live.edge.sweeps.once()
    assert (made(live, email), counted(live, "SELECT count(*) FROM kept_answers")) == (1, 1)
    live.clock.advance(1)
    create(live, live.token(live.world.alder), key, email)
    assert (made(live, email), counted(live, "SELECT count(*) FROM kept_answers")) == (2, 1)
    live.clock.advance(LIFETIME_S)
    live.edge.sweeps.once()
    assert counted(live, "SELECT count(*) FROM kept_answers") == 0


def test_a_request_without_a_key_takes_no_statement_more(clinic: Live, token: str) -> None:
    ran: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_others: object) -> None:
        ran.append(statement)

    engines = [clinic.server.database.engines.writer, clinic.server.database.engines.reader]
    for one in engines:
        event.listen(one, "before_cursor_execute", note)
    clinic.data(token, CREATE, {"email": unseen()})
    plain = [one for one in ran if "access_record" not in one]
    ran.clear()
    create(clinic, token, new_key(), unseen())
    for one in engines:
        event.remove(one, "before_cursor_execute", note)

    more = [one for one in ran if "kept_answers" in one or "SAVEPOINT" in one or "lock" in one]
    assert len(more) >= 4
    assert not [one for one in plain if "kept_answers" in one or "SAVEPOINT" in one or "lock" in one]


def test_no_key_and_no_answer_can_be_read_in_the_table(clinic: Live, token: str) -> None:
    key, email = new_key(), unseen()
    patient_id = create(clinic, token, key, email).json()["data"]["createPatient"]["id"]

    owner = clinic.world.owner()
    with owner.connect() as connection:
        kept = str(connection.execute(text("SELECT * FROM kept_answers")).all())
    owner.dispose()
    for secret in (key, email, patient_id, "Only"):
        assert secret not in kept
        assert secret.encode().hex() not in kept


def test_a_transaction_that_the_database_asks_for_again_does_it_once(
    clinic: Live, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, email = new_key(), unseen()
    asked: list[None] = []
    honest = patients.create

    def again(*arguments: Any) -> None:
        honest(*arguments)
        asked.append(None)
        if len(asked) == 1:
            raise TryAgainError

    with monkeypatch.context() as deadlock:
        deadlock.setattr(patients, "create", again)
        first = create(clinic, token, key, email)
    assert first.json()["data"]["createPatient"]["email"] == email
    assert (len(asked), made(clinic, email)) == (2, 1)


def test_when_the_database_goes_away_in_the_middle_nothing_was_done(
    clinic: Live, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, email = new_key(), unseen()

    def gone(*_arguments: Any) -> None:
        raise DatabaseUnavailableError("gone")

    with monkeypatch.context() as away:
        away.setattr(patients, "lock", gone)
        answer = create(clinic, token, key, email, TWO)
        assert (answer.status_code, code(answer)) == (503, "UNAVAILABLE")
    assert made(clinic, email) == 0
    assert code(create(clinic, token, key, email, TWO)) == "NOT_FOUND"
    assert made(clinic, email) == 1


def test_an_answer_with_a_secret_is_not_kept_and_a_repeat_makes_no_other(sqlite_live: Live) -> None:
    developer = Clinic(sqlite_live).somebody(Role.DEVELOPER)
    key = {"idempotency-key": new_key()}
    rotate = f'mutation {{ rotateSecret(id: "{sqlite_live.world.alder.client_id}") {{ id secret }} }}'
    secret = sqlite_live.graphql(developer.token, rotate, None, **key).json()["data"]["rotateSecret"]["secret"]

    again = sqlite_live.graphql(developer.token, rotate, None, **key)
    assert the_error(again)["extensions"] == {"code": "CONFLICT", "reason": "answer_not_kept"}
    assert secret not in again.text
    assert counted(sqlite_live, "SELECT count(*) FROM client_secrets") == 3  # two organizations had one each
