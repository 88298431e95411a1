"""F15: an API that verifies tokens begins while the server is away: it believes what it last had, or nobody."""

import json
import time
from collections.abc import Sequence
from dataclasses import replace

from rxauth.crypto.jws import Signer, new_signing_key
from rxauth_client import InvalidTokenError, TokenVerifier, UnavailableError
from tests.faults.nodes import Node
from tests.faults.operations import FAIL, INFO, OK
from tests.faults.rig import DATABASE, Outcome, Place, Rig
from tests.live import credentials, decode, http_client

TIMES = 20


def run(place: Place) -> Outcome:
    """Runs it: with and without a copy on disk, good and forged tokens, the server there, away and back."""
    with Rig(place, "F15", servers=()) as rig:
        issuer = _at_its_issuer(rig)
        outcome = Outcome(
            "good and forged tokens, verified by an API that begins anew each time", injected=rig.injected
        )
        with http_client(base_url=issuer.url) as http:
            good = http.post("/oauth/token", json=credentials(rig.clinic.machine)).json()["access_token"]
        forged = Signer(new_signing_key(), "at+jwt").sign(json.dumps(decode(good)[1]).encode())
        _expect(rig, outcome, "the server there", (good, forged), (OK, FAIL), (OK, FAIL))
        for _ in range(2):
            issuer.kill()
            rig.inject("kill -9 of the only server")
            _expect(rig, outcome, "the server away", (good, forged), (OK, FAIL), (INFO, INFO))
            issuer.start()
            began = time.monotonic()
            _expect(rig, outcome, "the server back", (good, forged), (OK, FAIL), (OK, FAIL))
            outcome.figures["an API that had begun without keys had them"] = f"{time.monotonic() - began:.2f} s after"
        issuer.stop()
        return replace(outcome, history=rig.recorder.history())


def _at_its_issuer(rig: Rig) -> Node:
    """Starts a server where its tokens say that it is: on the machine of those who ask."""
    reached = rig.place.clinic.at(rig.cluster.folder, rig.network.addresses[DATABASE])
    node = Node("issuer", reached.settings, rig.place.results / "F15-issuer.log")
    node.start()
    return node


def _expect(
    rig: Rig, outcome: Outcome, when: str, tokens: Sequence[str], kept: Sequence[str], bare: Sequence[str]
) -> None:
    """Verifies with a copy on disk and without; what came of it must be as expected."""
    settings, file = rig.clinic.settings, rig.folder / "keys.json"
    for _ in range(TIMES):
        for where, expected in ((file, kept), (None, bare)):
            verifier = TokenVerifier(
                settings.issuer, settings.audience, introspection=None, keys_file=where, timeout_s=2
            )
            found = [_verified(rig, verifier, token) for token in tokens]
            if found != list(expected):
                how = "without a copy" if where is None else "with a copy on disk"
                outcome.lost.append(f"{when}, {how}: good and forged tokens were {', '.join(found)}")


def _verified(rig: Rig, verifier: TokenVerifier, token: str) -> str:
    operation, result = rig.recorder.invoke("verify", "api"), OK
    try:
        verifier.verify(token)
    except InvalidTokenError:
        result = FAIL
    except UnavailableError:
        result = INFO
    rig.recorder.complete(replace(operation, ended=time.monotonic(), outcome=result))
    return result
