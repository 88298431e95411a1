"""Resets of second factors, as a table: who may take whose, and when it takes two people."""

from dataclasses import replace
from typing import Any

import pytest

from rxauth.policy import factor_reset
from rxauth.policy.authority import FRESH_S
from rxauth.policy.factor_reset import LIFETIME_S, Standing, Step
from rxauth.policy.roles import Role
from rxauth.policy.subjects import UserSubject

NOW = 1_795_435_200
ADA = UserSubject("usr_ada", "org_alder", frozenset({Role.ADMINISTRATOR}), None)
SAM = UserSubject("usr_sam", "org_alder", frozenset({Role.STAFF}), None)
MEMBER = Standing("usr_member", frozenset({Role.SUPPORT}), works_elsewhere=False, has_factors=True)
ASKED = replace(MEMBER, roles=frozenset({Role.PRESCRIBER}), asked_by="usr_other", asked_at=NOW - 60)


@pytest.mark.parametrize("role", Role)
def test_it_takes_two_people_for_whoever_has_the_prescriber_role(role: Role) -> None:
    expected = Step.ASK if role is Role.PRESCRIBER else Step.RESET

    assert factor_reset.first_step(frozenset({role})) is expected
    assert factor_reset.first_step(frozenset({role, Role.PRESCRIBER})) is Step.ASK


@pytest.mark.parametrize(
    ("step", "standing", "doer", "proven", "code"),
    [
        (Step.RESET, MEMBER, ADA, NOW, None),
        (Step.RESET, MEMBER, ADA, NOW - FRESH_S, None),
        (Step.RESET, MEMBER, ADA, NOW - FRESH_S - 1, "second_factor_not_fresh"),
        (Step.RESET, MEMBER, ADA, NOW + 1, "second_factor_not_fresh"),
        (Step.RESET, MEMBER, ADA, None, "second_factor_not_fresh"),
        (Step.RESET, MEMBER, SAM, NOW, None),
        (Step.RESET, replace(MEMBER, roles=frozenset({Role.ADMINISTRATOR})), SAM, NOW, "role_exceeds"),
        (Step.RESET, replace(MEMBER, member_id="usr_ada"), ADA, NOW, "own_factors"),
        (Step.RESET, replace(MEMBER, works_elsewhere=True), ADA, NOW, "works_elsewhere"),
        (Step.RESET, replace(MEMBER, has_factors=False), ADA, NOW, "no_factors"),
        (Step.ASK, replace(ASKED, asked_by=None), ADA, NOW, None),
        (Step.ASK, ASKED, ADA, NOW, None),
        (Step.ASK, ASKED, ADA, None, "second_factor_not_fresh"),
        (Step.ASK, ASKED, SAM, NOW, "role_exceeds"),
        (Step.APPROVE, ASKED, ADA, NOW, None),
        (Step.APPROVE, ASKED, ADA, None, "second_factor_not_fresh"),
        (Step.APPROVE, ASKED, SAM, NOW, "role_exceeds"),
        (Step.APPROVE, replace(ASKED, asked_by=None), ADA, NOW, "nothing_asked"),
        (Step.APPROVE, replace(ASKED, asked_by="usr_ada"), ADA, NOW, "same_person"),
        (Step.APPROVE, replace(ASKED, member_id="usr_ada"), ADA, NOW, "own_factors"),
        (Step.APPROVE, replace(ASKED, asked_at=NOW - LIFETIME_S), ADA, NOW, "proposal_too_old"),
        (Step.APPROVE, replace(ASKED, asked_at=NOW - LIFETIME_S + 1), ADA, NOW, None),
        (Step.APPROVE, replace(ASKED, asker_may_ask=False), ADA, NOW, "proposer_lost_permission"),
        (Step.APPROVE, replace(ASKED, works_elsewhere=True), ADA, NOW, "works_elsewhere"),
        (Step.APPROVE, replace(ASKED, has_factors=False), ADA, NOW, "no_factors"),
    ],
)
def test_each_step_is_judged(step: Step, standing: Standing, doer: UserSubject, proven: Any, code: str | None) -> None:
    refused = factor_reset.refusal(step, standing, doer, proven, NOW)

    assert (None if refused is None else refused.code) == code
