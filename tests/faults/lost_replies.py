"""F03: the connection to PostgreSQL breaks exactly at COMMIT; nobody knows what came of it, and asking again tells."""

import time

from tests.faults.rig import Outcome, Place, Rig

SHARE = 0.15


def run(place: Place) -> Outcome:
    """Runs it: every server reaches the database through a proxy that cuts a share of the commits."""
    with Rig(place, "F03", is_proxied=True) as rig:
        proxy = rig.proxy
        assert proxy is not None
        with rig.load():
            proxy.share = SHARE
            time.sleep(place.seconds)
            proxy.share = 0.0
            recovery_s = rig.recovered(time.monotonic())
        return rig.outcome(
            f"mixed load, {SHARE:.0%} of all commits cut, one half before and one half after PostgreSQL did it; "
            "whoever does not know asks again with the same Idempotency-Key",
            figures={"recovery": f"{recovery_s:.2f} s"},
        )
