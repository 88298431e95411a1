"""Check 12: what a log must say of whoever gave authority to prescribe, judged by the log alone."""

from typing import Any

import pytest

from rxauth.domain.audit_check_people import TwoPeople
from rxauth.domain.audit_findings import Finding

AT = 1_795_435_200
APPROVAL = {"first_by": "usr_1", "second_by": "usr_2", "proposal_id": "p", "members": 3, "solo": 0}


def record(event: str, by: str = "usr_1", **members: Any) -> dict[str, Any]:
    """Returns the record of an act about the authority of usr_3."""
    actor = {"kind": "operator", "id": None} if by == "operator" else {"kind": "person", "id": by}
    base = {"event": event, "outcome": "success", "actor": actor, "organization_id": "org_1", "target": "usr_3"}
    return {**base, "second_factor_at": AT - 60, "proposal_id": "p", **members}


def said(*records: dict[str, Any], at: int = AT) -> list[str]:
    """Judges a log of these records, the last of which is made at `at`."""
    finding = Finding(12)
    judge = TwoPeople(finding)
    for seq, one in enumerate(records, 1):
        judge.add_entry(seq, one, (at if seq == len(records) else AT) * 1_000_000)
    return finding.said


PROPOSED = record("provider.proposed")


@pytest.mark.parametrize("asked", ["provider.proposed", "provider.change_asked", "provider.restore_asked"])
@pytest.mark.parametrize("given", ["provider.approved", "provider.changed", "provider.restored"])
def test_what_one_person_proposed_and_another_approved_is_right(asked: str, given: str) -> None:
    assert said(record(asked), record(given, "usr_2", **APPROVAL)) == []


WRONG: dict[str, tuple[list[dict[str, Any]], int, str]] = {
    "nobody proposed it": ([record("provider.approved", "usr_2", **APPROVAL)], AT, "no entry before it proposed"),
    "another proposal": (
        [PROPOSED, record("provider.approved", "usr_2", **APPROVAL | {"proposal_id": "q"})],
        AT,
        "no entry before it proposed",
    ),
    "twice": (
        [PROPOSED, *[record("provider.approved", "usr_2", **APPROVAL)] * 2],
        AT,
        "no entry before it proposed",
    ),
    "after a rejection": (
        [PROPOSED, record("provider.rejected"), record("provider.approved", "usr_2", **APPROVAL)],
        AT,
        "no entry before it proposed",
    ),
    "after a suspension": (
        [PROPOSED, record("provider.suspended"), record("provider.changed", "usr_2", **APPROVAL)],
        AT,
        "no entry before it proposed",
    ),
    "one person": (
        [PROPOSED, record("provider.approved", "usr_1", **APPROVAL | {"second_by": "usr_1"})],
        AT,
        "one person proposed and approved",
    ),
    "another than who acted": (
        [PROPOSED, record("provider.approved", "usr_9", **APPROVAL)],
        AT,
        "names other people",
    ),
    "another than who proposed": (
        [record("provider.proposed", "usr_9"), record("provider.approved", "usr_2", **APPROVAL)],
        AT,
        "names other people",
    ),
    "the provider": (
        [PROPOSED, record("provider.approved", "usr_3", **APPROVAL | {"second_by": "usr_3"})],
        AT,
        "its provider approved",
    ),
    "the operator beside members": (
        [PROPOSED, record("provider.approved", "operator", **APPROVAL | {"second_by": "operator"})],
        AT,
        "there were members",
    ),
    "too late": (
        [PROPOSED, record("provider.approved", "usr_2", **APPROVAL, second_factor_at=AT + 7 * 86_400)],
        AT + 7 * 86_400,
        "too old",
    ),
    "a factor of long ago": (
        [PROPOSED, record("provider.approved", "usr_2", **APPROVAL, second_factor_at=AT - 301)],
        AT,
        "had not just proven",
    ),
    "no factor": (
        [record("provider.proposed", second_factor_at=None)],
        AT,
        "had not just proven",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_breaks_the_rule_is_found(wrong: str) -> None:
    records, at, sentence = WRONG[wrong]
    [found] = said(*records, at=at)
    assert sentence in found


def test_the_exceptions_count_when_the_log_says_that_they_held() -> None:
    solo = record("provider.approved", "usr_3", **APPROVAL | {"second_by": "usr_3", "solo": 1})
    alone = record("provider.approved", "operator", **APPROVAL | {"second_by": "operator", "members": 1})
    assert said(PROPOSED, solo) == said(PROPOSED, alone) == []


def test_what_was_refused_gives_nothing() -> None:
    assert said(record("provider.approved", outcome="failure")) == []
