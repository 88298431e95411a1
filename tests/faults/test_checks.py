"""Each checker by itself: nothing to say of a good history, and what is wrong with each bad one made by hand."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.faults.checks import lateness, violations
from tests.faults.operations import FAIL, INFO, OK, Found, Operation, Recorder, read

BOUND_S = 1.0
REVOKED, RECORDED = ("revoked family", "fam_1"), ("authorization.revoked", "fam_1")


def one(kind: str, began: float, ended: float | None = None, outcome: str = OK, **more: Any) -> Operation:
    """Returns an operation of a tenth of a second."""
    return Operation(int(began * 100), kind, "as1", began, ended=ended or began + 0.1, outcome=outcome, **more)


EXCHANGE = one("exchange code", 1.0, spends="code 1", effect="fam_1", records=("token.issued", "jti_1"))
REFRESH = one("refresh", 2.0, subject="fam_1", spends="fam_1.0", effect="fam_1.1", records=("token.issued", "jti_2"))
USE = one("use", 3.0, subject="fam_1")
REVOKE = one("revoke", 4.0, subject="fam_1", leaves=REVOKED, records=RECORDED)
PRESCRIBE = one("prescribe", 5.0, subject="usr_1", spends="key 1", effect="rx_1", leaves=("prescription", "rx_1"))
SUSPEND = one("suspend", 6.0, subject="usr_1", spends="key 2", records=("provider.suspended", "usr_1"))
RESTORE = one("restore", 7.0, subject="usr_1", spends="key 3", records=("provider.restored", "usr_1"))
GOOD = (EXCHANGE, REFRESH, USE, REVOKE, PRESCRIBE, SUSPEND, RESTORE)


def said(event: str, who: str, proposal: str = "pro_1") -> dict[str, Any]:
    """Returns a record of the audit log."""
    actor = {"kind": "person", "id": who}
    return {"event": event, "outcome": "success", "actor": actor, "target": "usr_1", "proposal_id": proposal}


FOUND = Found(
    frozenset({REVOKED, ("prescription", "rx_1")}),
    Counter({"key 1": 1}),
    Counter([one.records for one in GOOD if one.records is not None]),
    (said("provider.restore_asked", "ann"), said("provider.restored", "bob")),
)


def without(event: str) -> Found:
    """Returns what is found where the log lacks an event."""
    return replace(FOUND, recorded=Counter({key: n for key, n in FOUND.recorded.items() if key[0] != event}))


HISTORIES: dict[str, tuple[tuple[Operation, ...], Found, list[str]]] = {
    "a good one": (GOOD, FOUND, []),
    "a code twice": (
        (*GOOD, replace(EXCHANGE, number=900, effect="fam_2")),
        FOUND,
        ["exchange code: code 1 was accepted 2 times"],
    ),
    "a code that was tried again, and refused": ((*GOOD, replace(EXCHANGE, outcome=FAIL)), FOUND, []),
    "a token that two others came after": (
        (*GOOD, one("replay", 3.5, subject="fam_1")),
        FOUND,
        ["what had been spent in fam_1 was accepted again"],
    ),
    "the same successor again": ((*GOOD, replace(REFRESH, number=900)), FOUND, []),
    "two successors": (
        (*GOOD, replace(REFRESH, number=900, effect="fam_1.x")),
        FOUND,
        ["refresh: fam_1.0 had the effects fam_1.1, fam_1.x"],
    ),
    "a key with two effects": (GOOD, replace(FOUND, made=Counter({"key 1": 2})), ["key 1 was done 2 times"]),
    "a refresh after the end": (
        (*GOOD, one("refresh", 4.2, subject="fam_1")),
        FOUND,
        ["refresh of fam_1 at as1 passed 0.100 s after its end was acknowledged"],
    ),
    "a use within the bound": ((*GOOD, one("use", 5.0, subject="fam_1")), FOUND, []),
    "a use after the bound": (
        (*GOOD, one("use", 5.5, subject="fam_1")),
        FOUND,
        ["use of fam_1 at as1 passed 1.400 s after its end was acknowledged"],
    ),
    "a use that overlaps the end": ((*GOOD, one("use", 4.05, 9.0, subject="fam_1")), FOUND, []),
    "a prescription of somebody suspended": (
        (*GOOD, one("prescribe", 6.5, subject="usr_1")),
        FOUND,
        ["prescribe of usr_1 at as1 passed 0.400 s after its end was acknowledged"],
    ),
    "a prescription of somebody restored": ((*GOOD, one("prescribe", 7.05, subject="usr_1")), FOUND, []),
    "a prescription of somebody who may have been restored": (
        (*GOOD, one("restore", 6.2, outcome=INFO, subject="usr_1"), one("prescribe", 6.5, subject="usr_1")),
        FOUND,
        [],
    ),
    "an end that nobody knows of": (
        (*GOOD[:3], replace(REVOKE, outcome=INFO), one("refresh", 4.2, subject="fam_1")),
        FOUND,
        [],
    ),
    "an end that is gone": (
        GOOD,
        replace(FOUND, things=FOUND.things - {REVOKED}),
        ["revoke was acknowledged, and revoked family fam_1 is not there"],
    ),
    "a prescription that is gone": (
        GOOD,
        replace(FOUND, things=FOUND.things - {("prescription", "rx_1")}),
        ["prescribe was acknowledged, and prescription rx_1 is not there"],
    ),
    "an end without a record": (
        GOOD,
        without("authorization.revoked"),
        ["authorization.revoked of fam_1 was acknowledged 1 times and is recorded 0 times"],
    ),
    "one record for two ends": (
        (*GOOD, replace(SUSPEND, number=900, began=8.0, ended=8.1, spends="key 4")),
        FOUND,
        ["provider.suspended of usr_1 was acknowledged 2 times and is recorded 1 times"],
    ),
    "one end that was told twice": ((*GOOD, replace(SUSPEND, number=900, began=6.2, ended=6.3)), FOUND, []),
    "a token with two records": (
        GOOD,
        replace(FOUND, recorded=FOUND.recorded + Counter([("token.issued", "jti_1")])),
        ["token.issued of jti_1 is recorded 2 times"],
    ),
    "one person": (
        GOOD,
        replace(FOUND, said=(said("provider.restore_asked", "ann"), said("provider.restored", "ann"))),
        ["provider.restored of usr_1 was asked for and given by one person"],
    ),
    "nobody asked": (
        GOOD,
        replace(FOUND, said=(said("provider.restore_asked", "ann", "pro_0"), said("provider.restored", "bob"))),
        ["provider.restored of usr_1 was never asked for"],
    ),
    "a server that did not know": (
        (*GOOD, one("use", 3.5, outcome=INFO, subject="fam_1", status=500)),
        FOUND,
        ["use was answered 500 1 times"],
    ),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_the_checkers_say_what_a_history_breaks(name: str) -> None:
    history, found, expected = HISTORIES[name]

    assert violations(history, found, BOUND_S) == expected


def test_what_is_measured_of_a_late_use_is_from_the_first_answer_that_it_ended() -> None:
    again = replace(REVOKE, number=900, began=4.5, ended=4.6)
    use = one("use", 4.8, subject="fam_1")

    [(late, behind_s)] = lateness([*GOOD, again, use])

    assert (late, round(behind_s, 6)) == (use, 0.7)


def test_a_history_is_read_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    recorder = Recorder(file)
    whole = recorder.invoke("revoke", "as1", "fam_1")
    recorder.invoke("use", "as2", "fam_1")
    recorder.note("kill as2")
    recorder.complete(replace(whole, ended=whole.began + 1, outcome=OK, leaves=REVOKED, records=RECORDED, status=200))
    recorder.close()

    assert (recorder.last_success("as1"), recorder.last_success("as2")) == (whole.began, 0)
    lines = file.read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["invoke", "invoke", "fault", "ok"]
    assert read(lines) == recorder.history()
    assert [(one.kind, one.outcome, one.ended is None) for one in recorder.history()] == [
        ("revoke", OK, False),
        ("use", INFO, True),
    ]
