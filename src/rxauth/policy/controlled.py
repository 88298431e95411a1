"""Controlled substances: what a prescription for one takes beside the authority to prescribe (21 CFR 1306, 1311).

Nothing here meets these needs, so such a prescription is refused. What will meet them is a part of its own, which has
to be certified before anybody may use it: it will give a proof of its own, for exactly these needs.
"""

from enum import StrEnum

from rxauth.policy.authority import Refusal


class Need(StrEnum):
    """What must be shown before a controlled substance is prescribed; each value is read out in a refusal."""

    REGISTRATION = "a DEA registration in the patient's state that covers the schedule"  # 21 CFR 1306.03(a)
    CONTROLLED_AUTHORITY = "an authority approved by a DEA registrant for controlled substances"  # 1311.125
    TWO_FACTORS = "two factors proven for this very prescription"  # 1311.140
    CERTIFIED_SIGNING = "signing by a certified application"  # 1311.300


def needs(schedule: str | None) -> tuple[Need, ...]:
    """Returns what else a prescription for a treatment of a DEA schedule takes: nothing, if it has none."""
    return () if schedule is None else tuple(Need)


def refusal(schedule: str | None) -> Refusal | None:
    """Says why a treatment of a schedule cannot be prescribed; None: it can."""
    wanted = needs(schedule)
    if not wanted:
        return None
    return Refusal(
        "controlled_substance",
        f"this treatment is a controlled substance (schedule {schedule}), which is not prescribed here: "
        f"that takes {', '.join(wanted[:-1])} and {wanted[-1]}",
    )
