"""Words for people: what the API calls a value is not what its field is called."""

import pytest

from rxauth.edge.pages import wording


@pytest.mark.parametrize(
    ("message", "field", "expected"),
    [
        ("address.postalCode is blank", "address.postalCode", "Postal code is blank."),
        ("address.street1 is blank", "address.street1", "Street is blank."),
        ("name has more than 200 characters", "name", "Name has more than 200 characters."),
        ("NPI has more than 200 characters", "NPI", "NPI has more than 200 characters."),
        ("names are many", "name", "Names are many."),
        ("this is no NPI.", "npi", "This is no NPI."),
        ("somebody was faster", None, "Somebody was faster."),
        ("", None, "."),
    ],
)
def test_a_refusal_is_a_sentence_that_names_the_field_as_people_do(
    message: str, field: str | None, expected: str
) -> None:
    assert wording.sentence(message, field) == expected
