"""Every order of proposal, approval, suspension, prescribing and death, searched whole: no promise of authority breaks.

And the proof of the proof: with one defence taken out, the search finds how a promise breaks, and prints it.
"""

import time

import pytest

from rxauth.policy.authority import OPERATOR
from tests.model.facts import PROVIDER, Clinic
from tests.model.search import Searched, search
from tests.model.world import Model, Planted, World

pytestmark = pytest.mark.proof
CLINICS = {
    "a clinic": Clinic(),
    "a solo practice that says so": Clinic(("ann", PROVIDER), members=2, is_solo=True),
    "an organization of one": Clinic((PROVIDER, OPERATOR), members=1),
}
# How many processes, moments and proposals: those of `make test`, and those of `make prove`.
SLICE = {
    "a clinic": [(2, 2, 1)],
    "a solo practice that says so": [(2, 2, 1), (1, 2, 2)],
    "an organization of one": [(2, 2, 1), (1, 2, 2)],
}
WHOLE = {
    "a clinic": [(2, 4, 1), (1, 4, 3)],
    "a solo practice that says so": [(2, 4, 2), (1, 4, 4), (3, 3, 1)],
    "an organization of one": [(2, 4, 2), (1, 4, 4), (3, 3, 1)],
}
# Without which defence which promise breaks; with how many processes and proposals.
BREAKS = {
    Planted.LOCK_OF_PRESCRIBING: ("3: a prescription is committed after the authority was suspended", 2, 1),
    Planted.READ_OF_PRESCRIBING: ("3: a prescription is committed after the authority was suspended", 2, 1),
    Planted.LOCK_OF_ROLES: ("3: a prescription is committed after the authority was left without role", 2, 1),
    Planted.LOCK_OF_ACTS: ("an act is committed on what it did not judge", 2, 1),
    Planted.NUMBER_OF_PROPOSAL: ("7: what was approved is not what the second person was shown", 2, 2),
    Planted.READ_OF_APPROVAL: ("2, 7: authority is given on facts that no longer hold", 1, 1),
    Planted.END_OF_PROPOSALS: ("7: what was proposed before authority was taken gives it back", 1, 2),
    Planted.AUDIT_WITH_ACT: ("4: an act is kept and its audit entry is not", 1, 1),
    Planted.COMMIT_BEFORE_ANSWER: ("what was acknowledged is lost", 1, 1),
}


def searched(model: Model) -> Searched[World]:
    """Searches a model, and prints what that took."""
    began = time.monotonic()
    found = search(model.start, model.steps)
    took_s = time.monotonic() - began
    print(f"{found.states} states, {found.steps} steps, {found.depth} deep, {took_s:.1f} s")
    return found


@pytest.mark.parametrize("clinic", CLINICS)
def test_no_order_of_events_breaks_a_promise(clinic: str, is_whole: bool) -> None:
    for processes, moments, proposals in (WHOLE if is_whole else SLICE)[clinic]:
        print(f"{clinic}: {processes} processes, {moments} moments, {proposals} proposals:", end=" ")
        found = searched(Model(CLINICS[clinic], processes=processes, moments=moments, proposals=proposals))
        assert found.counterexample is None, found.counterexample.text()
        assert found.depth >= 10


@pytest.mark.parametrize("planted", list(BREAKS), ids=lambda one: one.name)
def test_without_a_defence_there_is_a_counterexample(planted: Planted) -> None:
    broken, processes, proposals = BREAKS[planted]
    found = searched(Model(Clinic(("ann", "bob")), planted, processes=processes, moments=2, proposals=proposals))

    assert found.counterexample is not None
    print(f"without {planted}:\n{found.counterexample.text()}")
    assert found.counterexample.broken.startswith(broken)
