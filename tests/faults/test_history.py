"""The checker of fault runs, by itself: nothing to say of a good history, and what is wrong with each bad one."""

from collections import Counter
from dataclasses import replace

import pytest

from tests.faults.history import GIVE, MAY, MAY_NOT, PRESCRIBE, TAKE, WRITTEN, Call, Kept, Turn, Written, violations

PROVIDER = "usr_1"
SUSPENDED = ("provider.suspended", PROVIDER)
CALLS = (
    Call(PRESCRIBE, PROVIDER, 1.0, 1.2, "rx_1"),
    Call(PRESCRIBE, PROVIDER, 1.9, 2.3, "rx_2"),  # it was under way when authority was taken
    Call(TAKE, PROVIDER, 2.0, 2.2, SUSPENDED[0]),
    Call(PRESCRIBE, PROVIDER, 2.3, 2.4, None, is_refused=True),
    Call(GIVE, PROVIDER, 3.0, 3.2, "provider.restored"),
    Call(PRESCRIBE, PROVIDER, 3.1, 3.4, "rx_3"),
    Call(PRESCRIBE, PROVIDER, 4.0, 4.4, None),  # nobody knows
)
GOOD = Kept(
    (Turn(PROVIDER, MAY, 10), Turn(PROVIDER, MAY_NOT, 40), Turn(PROVIDER, MAY, 50)),
    (Written("rx_1", PROVIDER, 20), Written("rx_2", PROVIDER, 30), Written("rx_3", PROVIDER, 60)),
    Counter({SUSPENDED: 1}),
    Counter({SUSPENDED: 1, (WRITTEN, "rx_1"): 1, (WRITTEN, "rx_2"): 1, (WRITTEN, "rx_3"): 1}),
)
_LATE = Written("rx_2", PROVIDER, 45)
HISTORIES: dict[str, tuple[tuple[Call, ...], Kept, list[str]]] = {
    "a good one": (CALLS, GOOD, []),
    "what nobody knows was kept": (
        CALLS,
        replace(GOOD, written=(*GOOD.written[:2], replace(_LATE, id="rx_3", at=70))),
        [],
    ),
    "a commit after that of a suspension": (
        CALLS,
        replace(GOOD, written=(GOOD.written[0], _LATE, GOOD.written[2])),
        ["rx_2 committed after authority had been taken from its provider"],
    ),
    "a commit before any authority": (
        CALLS,
        replace(GOOD, written=(Written("rx_1", PROVIDER, 5), *GOOD.written[1:])),
        ["rx_1 committed after authority had been taken from its provider"],
    ),
    "a prescription asked for after the answer": (
        (*CALLS[:1], Call(PRESCRIBE, PROVIDER, 2.3, 2.4, "rx_2"), *CALLS[2:]),
        GOOD,
        ["rx_2 was asked for 0.100 s after authority was taken"],
    ),
    "a prescription that is gone": (
        (*CALLS, Call(PRESCRIBE, PROVIDER, 5.0, 5.1, "rx_4")),
        GOOD,
        ["rx_4 was acknowledged and is not there"],
    ),
    "a suspension that is gone": (
        CALLS,
        replace(GOOD, done=Counter(), recorded=GOOD.recorded - Counter({SUSPENDED: 1})),
        ["1 times provider.suspended of usr_1 was acknowledged, and it is there 0"],
    ),
    "a prescription without an entry": (
        CALLS,
        replace(GOOD, recorded=GOOD.recorded - Counter({(WRITTEN, "rx_3"): 1})),
        ["prescription.written of rx_3 happened 1 times and is recorded 0 times"],
    ),
    "a suspension without an entry": (
        CALLS,
        replace(GOOD, recorded=GOOD.recorded - Counter({SUSPENDED: 1})),
        ["provider.suspended of usr_1 happened 1 times and is recorded 0 times"],
    ),
    "an entry too many": (
        CALLS,
        replace(GOOD, recorded=GOOD.recorded + Counter({(WRITTEN, "rx_1"): 1})),
        ["prescription.written of rx_1 happened 1 times and is recorded 2 times"],
    ),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_the_checker_says_what_a_history_breaks(name: str) -> None:
    calls, kept, expected = HISTORIES[name]

    assert violations(calls, kept) == expected
