"""Facts as people mistype them: each refused with the member that is wrong, and without repeating what was typed."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.answers import Clinics, the_error
from tests.api.management.documents import facts, licence
from tests.api.management.people import Clinic
from tests.live import Live
from tests.world import Template


@pytest.fixture(scope="module")
def clinic(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """A clinic where nobody is ever proposed."""
    clinics = Clinics(templates, tmp_path_factory)
    yield Clinic(clinics.serve("sqlite"))
    clinics.stop()


def registration(**changes: Any) -> dict[str, Any]:
    """Returns facts with a DEA registration, changed."""
    good = {"number": "AP5836727", "state": "NY", "schedules": ["II"], "status": "ACTIVE", "expiresOn": "2027-01-01"}
    return facts(registrations=[good | changes])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (facts(NPI="1234567890"), "the NPI's last digit does not fit"),
        (facts(NPI="\uff11234567893"), "an NPI is ten digits"),
        (facts(NPI="3234567899"), "an NPI is ten digits"),
        (facts(NPI=""), "an NPI is ten digits"),
        (facts() | {"licences": []}, "a provider has 1 to 100 licences"),
        (facts(*[licence(number=str(number)) for number in range(101)]), "a provider has 1 to 100 licences"),
        (facts(licence(), licence()), "a licence or a registration is there twice"),
        (facts(licence(), licence(state="ZZ")), "facts.licences[1]: a state is two capital letters"),
        (facts(licence(state="ny")), "facts.licences[0]: a state is two capital letters"),
        (facts(licence(number=" ")), "facts.licences[0]: the number of a licence is blank"),
        (facts(licence(number="9" * 41)), "facts.licences[0]: the number of a licence has at most 40"),
        (facts(licence(number="1\u0000")), "facts.licences[0]: the number of a licence has control characters"),
        (facts(licence(expiresOn="0001-01-01")), "facts.licences[0]: a licence ends in one of the years"),
        (registration(number="AP5836728"), "facts.registrations[0]: the DEA number's last digit does not fit"),
        (registration(number="AA0000000"), "facts.registrations[0]: this DEA number was never given"),
        (registration(schedules=[]), "facts.registrations[0]: the schedules of a registration are one or more"),
        (registration(state="XX"), "facts.registrations[0]: a state is two capital letters"),
    ],
    ids=[
        *("NPI digit", "NPI full-width", "NPI first digit", "no NPI", "no licence", "too many", "twice", "no state"),
        *("small letters", "blank number", "long number", "NUL", "year 1", "DEA digit", "DEA zeros", "no schedule"),
        "DEA state",
    ],
)
def test_a_fact_that_no_provider_has_is_refused(clinic: Clinic, given: dict[str, Any], said: str) -> None:
    error = the_error(clinic.ask(clinic.staff, "proposeProviderAuthority", facts=given))
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["message"].startswith(said)
    assert clinic.authority() is None


@pytest.mark.parametrize(
    "given",
    [
        facts(licence(expiresOn="2026-02-30")),
        facts(licence(expiresOn="tomorrow")),
        facts(licence(status="FINE")),
        facts(licence(status="active")),
        registration(schedules=["VI"]),
        facts(licence(verification={"reference": "no source"})),
        facts(effectiveUntil="2027-01-01"),
        {"licences": [licence()]},
        facts() | {"approvedBy": "usr_me"},
    ],
    ids=[
        *("no such day", "no date", "no such status", "small letters", "no such schedule", "no source", "no offset"),
        *("no NPI", "a member that there is not"),
    ],
)
def test_a_value_that_the_contract_has_not_is_refused(clinic: Clinic, given: dict[str, Any]) -> None:
    error = the_error(clinic.ask(clinic.staff, "proposeProviderAuthority", facts=given))
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert clinic.authority() is None


def test_limiting_a_licence_never_makes_it_better_and_names_one_that_there_is(sqlite_live: Live) -> None:
    clinic = Clinic(sqlite_live)
    clinic.approve(clinic.propose())
    for wrong, said in (
        ({"status": "ACTIVE"}, "BAD_USER_INPUT"),
        ({"number": "654321"}, "NOT_FOUND"),
        ({"state": "NJ"}, "NOT_FOUND"),
    ):
        asked = {"state": "NY", "number": "123456", "status": "EXPIRED"} | wrong
        error = the_error(clinic.ask(clinic.staff, "limitProviderLicence", **asked))
        assert error["extensions"]["code"] == said
    assert clinic.authority()["refusal"] is None
