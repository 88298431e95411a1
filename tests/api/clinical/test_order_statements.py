"""What an order costs the database: as many statements for twenty fills, and as many writers, as for one."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from tests.ordering import Counter
from tests.prescribing import CREATE_ALL


@contextmanager
def statements(counter: Counter) -> Iterator[list[str]]:
    """Collects the statements of requests, and of what the test itself does."""
    seen: list[str] = []
    names = ("worker", threading.current_thread().name)

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if threading.current_thread().name.startswith(names):
            seen.append(statement)

    engines = {counter.database.engines.reader, counter.database.engines.writer}
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)


def written(counter: Counter, number: int, token: str | None = None) -> list[str]:
    """Writes prescriptions with one fill each: ordering them tells webhooks of each."""
    drafts = [counter.practice.draft() for _ in range(number)]
    made = counter.live.data(token or counter.practice.token, CREATE_ALL, {"prescriptions": drafts})
    return [one["id"] for one in made["createPrescriptions"]]


def life(counter: Counter, prescriptions: list[str]) -> dict[str, int]:
    """Counts the statements of each act on an order with so many fills."""
    counts = {}
    first, *others = prescriptions
    with statements(counter) as seen:
        made = counter.order(first, *others, pharmacyId=None)["id"]
    counts["create"] = len(seen)
    with statements(counter) as seen:
        counter.route(made, counter.pharmacies[0])
    counts["route"] = len(seen)
    with statements(counter) as seen:
        counter.accept(made)
    counts["accept"] = len(seen)
    with statements(counter) as seen:
        counter.cancel(made)
    counts["cancel"] = len(seen)
    again = counter.order({"treatmentId": counter.equipment}, pharmacyId=None)["id"]
    with statements(counter) as seen:
        counter.add(again, *prescriptions)
    counts["add"] = len(seen)
    return counts


def test_twenty_fills_need_no_more_statements_than_one(counter: Counter) -> None:
    one, twenty = written(counter, 1), written(counter, 20)
    life(counter, written(counter, 1))  # so that clients and documents are remembered

    for_one = life(counter, one)
    for_twenty = life(counter, twenty)

    assert for_twenty == for_one
    assert for_one["create"] < 40


def test_the_prescriptions_of_two_writers_need_no_more_statements_than_those_of_one(counter: Counter) -> None:
    other = counter.practice.token_of(counter.practice.holders.provider())
    life(counter, written(counter, 2))

    assert life(counter, [*written(counter, 1), *written(counter, 1, other)]) == life(counter, written(counter, 2))
