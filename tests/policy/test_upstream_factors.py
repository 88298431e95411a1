"""What a provider says of its sign-in counts as a second factor if, and only if, the connection names it."""

import pytest

from rxauth.policy.assurance import AAL1, AAL2, FEDERATED, acr_of
from rxauth.policy.upstream_factors import matched, methods


@pytest.mark.parametrize(
    ("said", "counting", "level"),
    [
        (["pwd", "mfa"], ["mfa"], AAL2),
        (["mfa"], [], AAL1),
        ([], ["mfa"], AAL1),
        (["pwd"], ["mfa"], AAL1),
        (["MFA"], ["mfa"], AAL1),
        (["mfa "], ["mfa"], AAL1),
        (["otp", "pop", "user"], ["mfa"], AAL1),
        (["phr"], ["phr", "phrh"], AAL2),
        ([""], [""], AAL2),
    ],
)
def test_a_second_factor_is_what_the_connection_names_and_nothing_else(
    said: list[str], counting: list[str], level: str
) -> None:
    assert acr_of((FEDERATED, *methods(said, counting))) == level


def test_the_values_that_matched_are_shown_once_each() -> None:
    assert matched(["mfa", "pwd", "mfa", "phr"], ["phr", "mfa"]) == ("mfa", "phr")
