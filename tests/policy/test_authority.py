"""The states of an authority: every state, act and kind of doer, and the one way that each gets through."""

from dataclasses import replace
from itertools import product

import pytest

from rxauth.policy.authority import (
    FRESH_S,
    PERMISSIONS,
    PROPOSAL_LIFETIME_S,
    TRANSITIONS,
    Act,
    Doer,
    Standing,
    State,
    refusal,
    role_refusal,
    state_at,
)

NOW = 1_000_000
ALL = frozenset(PERMISSIONS.values())
SECOND = Doer("usr_second", ALL, NOW)
WAITING = Standing(State.PROPOSED, "usr_provider", "usr_first", NOW - 10, 3)
POSSIBLE = """
    None propose; rejected propose; expired propose; revoked propose; proposed approve; proposed reject;
    approved ask_change; approved approve; approved reject; approved suspend; approved limit; approved revoke;
    suspended ask_restore; suspended approve; suspended reject; suspended limit; suspended revoke
    """


@pytest.mark.parametrize(("state", "act"), list(product([None, *State], Act)))
def test_exactly_the_listed_acts_are_possible(state: State | None, act: Act) -> None:
    listed = f"{state} {act}" in [" ".join(pair.split()) for pair in POSSIBLE.split(";")]
    found = refusal(act, Standing(state, "usr_provider", "usr_first", NOW - 10, 3), SECOND, NOW)

    assert ((state, act) in TRANSITIONS) == listed
    assert (found is None) == listed
    if found is not None:
        assert found.code == "wrong_state"


def code(act: Act, doer: Doer, standing: Standing = WAITING, now: int = NOW) -> str | None:
    """Returns the code of the refusal, or None."""
    found = refusal(act, standing, doer, now)
    return None if found is None else found.code


ALONE = Standing(State.PROPOSED, "usr_provider", "usr_provider", NOW - 10, 1)
OPERATOR = Doer(None, is_operator=True)
SECONDS = {
    "another member": (SECOND, WAITING, None),
    "the proposer": (Doer("usr_first", ALL, NOW), WAITING, "same_person"),
    "the provider": (Doer("usr_provider", ALL, NOW), WAITING, "own_authority"),
    "the provider of a solo practice": (
        Doer("usr_provider", ALL, NOW),
        Standing(State.PROPOSED, "usr_provider", "usr_first", NOW - 10, 3, solo=True),
        None,
    ),
    "the proposer of a solo practice": (
        Doer("usr_first", ALL, NOW),
        Standing(State.PROPOSED, "usr_first", "usr_first", NOW - 10, 3, solo=True),
        "same_person",
    ),
    "a machine with every permission": (Doer(None, ALL, NOW), WAITING, "needs_person"),
    "somebody without the permission": (Doer("usr_second", ALL - {PERMISSIONS[Act.APPROVE]}, NOW), WAITING,
        "permission_missing"),
    "without a second factor": (Doer("usr_second", ALL, None), WAITING, "second_factor_not_fresh"),
    "with a second factor of just now": (Doer("usr_second", ALL, NOW - FRESH_S), WAITING, None),
    "with a stale second factor": (Doer("usr_second", ALL, NOW - FRESH_S - 1), WAITING, "second_factor_not_fresh"),
    "with a second factor of the future": (Doer("usr_second", ALL, NOW + 1), WAITING, "second_factor_not_fresh"),
    "the operator where others are": (OPERATOR, WAITING, "operator_not_alone"),
    "the operator where one is": (OPERATOR, ALONE, None),
    "the operator who proposed": (
        OPERATOR,
        Standing(State.PROPOSED, "usr_provider", "operator", NOW - 10, 1),
        "same_person",
    ),
    "a proposer who may no longer propose": (SECOND, replace(WAITING, asker_may_ask=False), "proposer_lost_permission"),
    "nothing was asked": (SECOND, Standing(State.SUSPENDED, "usr_provider", None, None, 3), "nothing_asked"),
    "an old request": (
        SECOND,
        Standing(State.SUSPENDED, "usr_provider", "usr_first", NOW - PROPOSAL_LIFETIME_S, 3),
        "proposal_too_old",
    ),
}  # fmt: skip


@pytest.mark.parametrize("second", SECONDS)
def test_the_second_person(second: str) -> None:
    """M-15."""
    doer, standing, expected = SECONDS[second]

    assert code(Act.APPROVE, doer, standing) == expected


def test_taking_authority_away_needs_one_person_or_machine_and_no_second_factor() -> None:
    approved = Standing(State.APPROVED, "usr_provider", None, None, 3)
    for doer in (Doer("usr_one", ALL), Doer(None, ALL), OPERATOR):
        assert code(Act.SUSPEND, doer, approved) is None
        assert code(Act.LIMIT, doer, approved) is None
        assert code(Act.REVOKE, doer, approved) is None
    assert code(Act.SUSPEND, Doer("usr_one"), approved) == "permission_missing"


def test_dates_end_proposals_and_authorities_by_themselves() -> None:
    asked = NOW - PROPOSAL_LIFETIME_S
    assert state_at(State.PROPOSED, asked + 1, None, NOW) is State.PROPOSED
    assert state_at(State.PROPOSED, asked, None, NOW) is State.EXPIRED
    assert state_at(State.PROPOSED, None, None, NOW) is State.EXPIRED
    for state in State:
        ends = state in (State.APPROVED, State.SUSPENDED)
        assert state_at(state, NOW, NOW + 1, NOW) is state
        assert (state_at(state, NOW, NOW, NOW) is State.EXPIRED) == (ends or state is State.EXPIRED)


@pytest.mark.parametrize("state", [None, *State])
def test_the_role_is_given_only_beside_an_authority_that_two_people_gave(state: State | None) -> None:
    """M-14."""
    found = role_refusal(state)
    assert (found is None) == (state in {State.APPROVED, State.SUSPENDED})
    assert found is None or found.code == "prescriber_needs_authority"


def test_who_acts_has_a_name_for_the_record() -> None:
    assert [SECOND.name, OPERATOR.name, Doer(None, client_id="machine").name] == ["usr_second", "operator", "machine"]
