"""F13: the signing keys are rotated as often as may be, under load, and then one is removed as if it had leaked."""

import time
from dataclasses import replace
from typing import Any, Final

import httpx
import jwt

from rxauth.domain import audit, key_removal, operator_acts, signing_keys
from rxauth.domain.operator_acts import By
from rxauth.domain.signing_keys import KeyState
from rxauth.oauth import new_keys
from rxauth.oauth.rotation import removal, rotation
from tests.faults.load import Came, Client
from tests.faults.operations import FAIL, OK
from tests.faults.rig import Outcome, Place, Rig
from tests.faults.works import everybody
from tests.live import credentials, decode
from tests.world import AUDIENCE, ISSUER

KEY_SET_S: Final = 1  # for so long verifiers keep the key set, and so a key is published before it signs
STALE_S: Final = 2
_TOKEN_S: Final = 86_400


def run(place: Place) -> Outcome:
    """Runs it: APIs that keep the key set for as long as they may, and not less, verify every token meanwhile."""
    changes: dict[str, Any] = {"key_set_lifetime_s": KEY_SET_S, "staleness_bound_s": STALE_S}
    with Rig(place, "F13", changes=changes) as rig:
        verifiers = [Verifier(), Verifier()]
        with rig.load([*everybody(rig.clinic), *verifiers]):
            over = time.monotonic() + 1.5 * place.seconds
            while time.monotonic() < over:
                time.sleep(KEY_SET_S + STALE_S + 1)
                rig.inject("rotation of the keys of every algorithm")
                _rotate(rig)
            time.sleep(KEY_SET_S + STALE_S + 1)
            leaked = _signing(rig)
            rig.inject("a key removed")
            operation = rig.recorder.invoke("remove key", "operator", f"key {leaked}")
            _remove(rig, leaked)
            rig.recorder.complete(
                replace(operation, ended=time.monotonic(), outcome=OK, records=(audit.Event.KEY_REMOVED.value, leaked))
            )
            time.sleep(3)
            recovery_s = rig.recovered(time.monotonic(), ("token", "use", "refresh", "verify"))
        outcome = rig.outcome("mixed load, and APIs that verify tokens with the key set")
        outcome.figures["everything worked after"] = f"{recovery_s:.2f} s"
        verified = [one for one in outcome.history if one.kind == "verify"]
        failed = [one for one in verified if one.outcome == FAIL and one.subject != f"key {leaked}"]
        outcome.figures["verifications that failed"] = f"{len(failed)} of {len(verified)}"
        outcome.lost += [f"a token of {one.subject} did not verify" for one in failed[:5]]
        return outcome


class Verifier:
    """An API that keeps the key set for as long as it may, never asks for one sooner, and believes what verifies."""

    def __init__(self) -> None:
        self._keys: dict[str, jwt.PyJWK] = {}
        self._kept_until = 0.0
        self._tokens: dict[str, str] = {}  # the last of each key

    def __call__(self, client: Client) -> None:
        """Gets a token, and verifies it and the last of each key before; uses one of them at the API."""
        body = credentials(client.clinic.machine)
        secret_id, secret = client.chance.choice(list(client.targets.secrets.items()))
        send = client.form("/oauth/token", body | {"client_secret": secret})
        heard = client.ask("token", send, lambda content: Came(records=("token.issued", _jti(content))), secret_id)
        if heard.outcome == OK:
            token = heard.content["access_token"]
            self._tokens[decode(token)[0]["kid"]] = token
        if time.monotonic() >= self._kept_until and not self._fetch(client):
            return
        for key_id, token in list(self._tokens.items())[-5:]:
            self._verify(client, key_id, token)
            client.use(token, f"key {key_id}")
        client.pause(0.1)

    def _fetch(self, client: Client) -> bool:
        began = time.monotonic()
        url = client.chance.choice(list(client.targets.urls().values()))
        try:
            answer = httpx.get(f"{url}/.well-known/jwks.json", timeout=2).raise_for_status()
        except httpx.HTTPError:
            return False
        self._keys = {key["kid"]: jwt.PyJWK(key) for key in answer.json()["keys"]}
        self._kept_until = began + int(answer.headers["cache-control"].removeprefix("public, max-age="))
        return True

    def _verify(self, client: Client, key_id: str, token: str) -> None:
        operation, outcome = client.targets.recorder.invoke("verify", "api", f"key {key_id}"), OK
        try:
            jwt.decode(token, self._keys[key_id], algorithms=["RS256"], issuer=ISSUER, audience=AUDIENCE)
        except (jwt.PyJWTError, KeyError):
            outcome = FAIL
        client.targets.recorder.complete(replace(operation, ended=time.monotonic(), outcome=outcome))


def _jti(content: Any) -> str:
    return str(decode(content["access_token"])[1]["jti"])


def _signing(rig: Rig) -> str:
    """Returns the key that signs tokens for the server's own API."""
    found = rig.database.read(signing_keys.descriptions)
    return next(one.id for one in found if one.state is KeyState.CURRENT and one.algorithm == "RS256")


def _rotate(rig: Rig) -> None:
    key, by = rig.clinic.settings.sealing_key, _by()
    with new_keys.made(None, rig.database.read(signing_keys.in_use)) as made:
        planned = rotation(made, key, key_set_s=KEY_SET_S, staleness_bound_s=STALE_S, machine_token_s=_TOKEN_S)
        rig.database.write(lambda tx: operator_acts.rotate_keys(tx, by, planned))


def _remove(rig: Rig, key_id: str) -> None:
    key, by = rig.clinic.settings.sealing_key, _by()
    wanted = rig.database.read(lambda tx: key_removal.wanted(tx, [key_id], by.now))
    with new_keys.made(None, wanted) as made:
        planned = removal([key_id], made, key, key_set_s=KEY_SET_S, staleness_bound_s=STALE_S)
        rig.database.write(lambda tx: operator_acts.remove_keys(tx, by, planned))


def _by() -> By:
    return By(audit.OPERATOR, time.time_ns() // 1_000)
