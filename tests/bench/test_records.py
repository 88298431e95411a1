"""The records of a big organization are such as the app itself would have written: what they count adds up."""

from collections import Counter, defaultdict
from typing import Any

import pytest
from bench.big.records import COLUMNS, Records, Reference

from rxauth.domain import patient_names
from rxauth.domain.fill_states import FillState
from rxauth.domain.names import Name
from rxauth.domain.order_states import STEPS, OrderState
from rxauth.ids import Kind, is_id
from rxauth.storage.tables import metadata
from tests.world import NOW

Tables = dict[str, list[dict[str, Any]]]
PATIENTS = 700


@pytest.fixture(scope="module")
def tables() -> Tables:
    """Every row of an organization, by the name of its table."""
    reference = Reference(["med_1", "med_2"], ["alg_1"], ["phr_1", "phr_2"])
    records = Records("org_1", ("usr_1", "usr_2"), PATIENTS, reference, NOW * 1000)
    found: Tables = defaultdict(list)
    for name, row in records.rows():
        found[name].append(dict(zip(COLUMNS[name], row, strict=True)))
    return found


def test_the_columns_are_those_that_tables_have_and_want() -> None:
    for name, columns in COLUMNS.items():
        wanted = {column.name for column in metadata.tables[name].c if not column.nullable}
        assert wanted <= set(columns) <= set(metadata.tables[name].c.keys())


def test_there_are_three_prescriptions_for_each_patient_but_not_for_every_patient_three(tables: Tables) -> None:
    each = Counter(row["patient_id"] for row in tables["prescriptions"])
    ordered = Counter(row["patient_id"] for row in tables["orders"])

    assert len(tables["patients"]) == PATIENTS
    assert len(tables["prescriptions"]) == 3 * PATIENTS
    assert 0.9 < len(tables["orders"]) / len(tables["prescriptions"]) < 1.1
    assert (min(each.values()), max(each.values())) == (2, 24)
    assert len(ordered) < PATIENTS
    assert 15 < max(ordered.values()) <= 50


def test_fills_add_up(tables: Tables) -> None:
    used = Counter(row["prescription_id"] for row in tables["fills"] if row["state"] != FillState.CANCELED)

    for row in tables["prescriptions"]:
        assert row["fills_allowed"] == row["fills_remaining"] + used[row["id"]]
        assert (row["state"] == "DEPLETED") == (row["fills_remaining"] == 0)


def test_an_order_and_its_fill_are_in_states_that_go_together(tables: Tables) -> None:
    fill_of = {row["order_id"]: row for row in tables["fills"]}
    assert len(fill_of) == len(tables["fills"]) == len(tables["orders"])

    for row in tables["orders"]:
        fill, state = fill_of[row["id"]], OrderState(str(row["state"]))
        assert (row["pharmacy_id"] is None) == (state is OrderState.ROUTING)
        assert (fill["filled_at_ms"] is not None) == (state is OrderState.COMPLETED)
        assert (fill["state"] == FillState.CANCELED) == (state is OrderState.CANCELED)
        if state in {OrderState.PLACED, OrderState.COMPLETED}:
            steps = STEPS[str(row["fulfillment_type"])]
            assert row["fulfillment_state"] in steps
            assert (state is OrderState.COMPLETED) == (row["fulfillment_state"] == steps[-1])
            assert fill["state"] == FillState.SENT


def test_identifiers_are_identifiers_and_none_is_there_twice(tables: Tables) -> None:
    kinds = {"patients": Kind.PATIENT, "prescriptions": Kind.PRESCRIPTION, "orders": Kind.ORDER, "fills": Kind.FILL}
    for name, kind in kinds.items():
        ids = [str(row["id"]) for row in tables[name]]
        assert all(is_id(kind, one) for one in ids)
        assert len(set(ids)) == len(ids)


def test_patients_are_found_by_the_words_that_the_app_would_store(tables: Tables) -> None:
    stored = defaultdict(list)
    for row in tables["patient_names"]:
        stored[row["patient_id"]].append(row)

    for row in tables["patients"]:
        name = Name(str(row["first_name"]), str(row["last_name"]), None, row["middle_name"])
        words = patient_names.words_of(name)
        assert stored[row["id"]] == list(patient_names.rows("org_1", str(row["id"]), words))
