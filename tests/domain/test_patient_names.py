"""However many patients have a name, those are found who have it, and what belongs to them."""

from collections.abc import Iterator

import pytest

from rxauth.domain import orders, patient_names, patients, prescription_lists, prescriptions
from rxauth.domain.orders import OrderFilter
from rxauth.domain.paging import page
from rxauth.domain.prescription_lists import PrescriptionFilter
from rxauth.storage.database import Database, Transaction
from tests.world import NOW, World

EVERYBODY = page(None, 100)
NUMBERS = {"few": (100, 100), "some": (0, 100), "many": (0, 0)}
TODAY = prescriptions.today_anywhere(NOW)


@pytest.fixture
def database(world: World) -> Iterator[Database]:
    """The database of a world on each engine."""
    opened = world.open()
    yield opened
    opened.close()


@pytest.mark.parametrize("number", NUMBERS)
def test_lists_by_name_show_the_same_however_many_have_it(
    world: World, database: Database, monkeypatch: pytest.MonkeyPatch, number: str
) -> None:
    few, some = NUMBERS[number]
    monkeypatch.setattr(patient_names, "FEW", few)
    monkeypatch.setattr(patient_names, "SOME", some)
    database.read(lambda tx: check_every_name(tx, world.alder.organization_id))


def check_every_name(transaction: Transaction, organization_id: str) -> None:
    """Compares every list by name with what is left of all of it."""
    owner = (transaction, organization_id)
    everybody = patients.search(*owner, None, EVERYBODY)
    everything = prescription_lists.search(*owner, PrescriptionFilter(), EVERYBODY)
    ordered = orders.search(*owner, OrderFilter(), EVERYBODY)
    words_of = {one.id: patient_names.words_of(one.name) for one in everybody}
    words = {word for some in words_of.values() for word in some}

    for name in sorted({word[:length] for word in words for length in (1, 3)} | {"m r", "maya rey", "nobody"}):
        having = {
            patient_id
            for patient_id, theirs in words_of.items()
            if all(any(word.startswith(part) for word in theirs) for part in name.split())
        }
        found = patients.search(*owner, name, EVERYBODY)
        assert [one.id for one in found] == [one.id for one in everybody if one.id in having]
        for state in (None, "ACTIVE", "EXPIRED", "DEPLETED"):
            wanted = PrescriptionFilter(patient_name=name, state=state, today=TODAY)
            shown = [one.id for one in everything if one.patient_id in having and state in {None, one.state_on(TODAY)}]
            assert [one.id for one in prescription_lists.search(*owner, wanted, EVERYBODY)] == shown
        for order_state in (None, "PLACED", "COMPLETED"):
            asked = OrderFilter(patient_name=name, state=order_state)
            shown = [one.id for one in ordered if one.patient_id in having and order_state in {None, one.state}]
            assert [one.id for one in orders.search(*owner, asked, page(None, 2))] == shown[:2]
