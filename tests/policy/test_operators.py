"""Who may look after the installation, and for how long a proof of two factors is fresh."""

from rxauth.policy.assurance import AAL1, AAL2, Authentication
from rxauth.policy.operators import DANGEROUS_WITHIN_S, TooWeak, as_operator
from tests.world import NOW

TRANSACTION = object()


def test_only_an_operator_with_two_factors_gets_the_proof() -> None:
    strong, weak = Authentication(AAL2, NOW), Authentication(AAL1, NOW)
    assert as_operator(TRANSACTION, "usr_1", strong, is_operator=False) is None
    assert as_operator(TRANSACTION, "usr_1", weak, is_operator=False) is None
    assert as_operator(TRANSACTION, "usr_1", weak, is_operator=True) == TooWeak()
    proof = as_operator(TRANSACTION, "usr_1", strong, is_operator=True)
    assert not isinstance(proof, TooWeak)
    assert proof is not None
    assert (proof.user_id, proof.transaction) == ("usr_1", TRANSACTION)


def test_a_proof_is_fresh_for_an_hour() -> None:
    proof = as_operator(TRANSACTION, "usr_1", Authentication(AAL2, NOW), is_operator=True)
    assert proof is not None
    assert not isinstance(proof, TooWeak)
    assert proof.is_fresh(NOW + DANGEROUS_WITHIN_S)
    assert not proof.is_fresh(NOW + DANGEROUS_WITHIN_S + 1)
