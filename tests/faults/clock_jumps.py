"""F12: the clocks of the servers jump ten minutes ahead and back; what was used stays used, and the future waits."""

import base64
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import httpx

from rxauth.crypto import one_time_codes
from rxauth.domain import totp
from rxauth.storage.database import Transaction
from tests.faults.load import READ
from tests.faults.planted import OFFSET_FILE
from tests.faults.rig import Outcome, Place, Rig
from tests.live import credentials, http_client

JUMP_S = 600
EVERY_S = 4.0
# What the audit log says of itself when clocks were wrong: entries that are older than others before them, those that
# waited for a checkpoint that long, and second factors that were proven when the clock showed something else.
ALLOWED = frozenset({8, 9, 12})
# Not prescribing: whom a clock ten minutes ahead let prescribe may do so from then on, and not before.
WORKING = ("token", "use", "exchange code", "refresh", "revoke")


def run(place: Place) -> Outcome:
    """Runs it."""
    offset = place.folder / "offset"
    _set(offset, 0)
    with Rig(place, "F12", planted=["wrong-clock"], variables={OFFSET_FILE: str(offset)}) as rig:
        missed = _replays(rig, offset)
        with rig.load():
            over = time.monotonic() + place.seconds
            jumps = 0
            while time.monotonic() < over:
                time.sleep(EVERY_S)
                jumps += 1
                seconds = (JUMP_S, 0, -JUMP_S, 0)[jumps % 4]
                _set(offset, seconds)
                rig.inject("the clock jumped")
            _set(offset, 0)
            recovery_s = rig.recovered(time.monotonic(), WORKING)
        outcome = rig.outcome(
            "codes and tokens presented again after the clock went back 10 minutes, tokens from 10 minutes ahead, "
            "readiness; then mixed load under jumps",
            allowed=ALLOWED,
            figures={"recovery": f"{recovery_s:.2f} s"},
        )
        return replace(outcome, missed=[*outcome.missed, *missed])


def _replays(rig: Rig, offset: Path) -> list[str]:
    """Presents again what was used, after the clock went back; returns what was accepted."""
    clinic, app = rig.clinic, rig.clinic.app.credentials
    with http_client(base_url=rig.nodes.all[0].url, timeout=10) as http:
        code = rig.targets.sign_ins.code(clinic.ann).request()
        tokens = http.post("/oauth/token", data=code).raise_for_status().json()
        spent = []
        for _ in range(2):
            spent.append({**app, "grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]})
            tokens = http.post("/oauth/token", data=spent[-1]).raise_for_status().json()
        unused = rig.targets.sign_ins.code(clinic.bob).request()

        _set(offset, JUMP_S)
        late = http.post("/oauth/token", data=unused)
        future = http.post("/oauth/token", json=credentials(clinic.machine)).raise_for_status().json()
        ready_ahead = http.get("/readyz").status_code
        _set(offset, 0)
        ahead = _use(http, future["access_token"])
        _set(offset, -JUMP_S)
        ready_behind = http.get("/readyz").status_code
        behind = _use(http, tokens["access_token"])
        refreshed = http.post("/oauth/token", data=spent[0]).status_code
        redeemed = http.post("/oauth/token", data=code).status_code
        _set(offset, 0)
    rig.inject("what was used presented again, with the clock back")
    found = {
        "a code that was used": redeemed != 400,
        "a code ten minutes old": late.status_code != 400,
        "a refresh token that two others came after": refreshed != 400,
        "a token issued by a clock ten minutes ahead": ahead != 401,
        "a token of the right time, by a clock ten minutes behind": behind != 401,
        "a one-time code that was used": _takes_a_code_again(rig),
    }
    wrong = [f"{what} was accepted" for what, is_accepted in found.items() if is_accepted]
    if (ready_ahead, ready_behind) != (503, 503):
        wrong.append(f"a server whose clock is wrong said {ready_ahead} and {ready_behind} when asked if it is ready")
    return wrong


def _takes_a_code_again(rig: Rig) -> bool:
    """Tells whether a code of an authenticator app works once more, or an earlier one when the clock has gone back."""
    database, key, user_id = rig.database, rig.clinic.settings.sealing_key, rig.clinic.ann
    now = int(time.time())
    began = database.write(lambda tx: totp.begin(tx, user_id, key, now))
    secret = base64.b32decode(began.secret.replace(" ", ""))
    code = one_time_codes.code_at(secret, now)
    assert database.write(lambda tx: totp.confirm(tx, user_id, code, key, now))
    earlier = one_time_codes.code_at(secret, now - JUMP_S)
    tries = ((code, now), (code, now - one_time_codes.STEP_S), (earlier, now - JUMP_S))
    return any(database.write(partial(_verified, user_id, *one, key)) for one in tries)


def _verified(user_id: str, typed: str, now: int, key: bytes, transaction: Transaction) -> bool:
    return totp.verify(transaction, user_id, typed, key, now)


def _use(http: httpx.Client, token: str) -> int:
    headers = {"authorization": f"Bearer {token}"}
    return http.post("/graphql", json={"query": READ}, headers=headers).status_code


def _set(offset: Path, seconds: int) -> None:
    """Has every server's clock be so many seconds ahead, from its next look on."""
    written = offset.with_suffix(".new")
    written.write_text(str(seconds))
    written.replace(offset)
