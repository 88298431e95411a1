"""F15: an API that verifies tokens begins while the authorization server is away; it believes what it last had, or nobody."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from rxauth.crypto.jws import Signer, new_signing_key
from rxauth_client import InvalidTokenError, TokenVerifier, UnavailableError
from tests.faults.operations import FAIL, INFO, OK
from tests.faults.rig import Outcome, Place, Rig
from tests.live import credentials, decode, http_client

EACH = 50


def run(place: Place) -> Outcome:
    """Runs it: with and without a copy on disk, a good token and a forged one, the server up, away and back."""
    with Rig(place, "F15", servers=("as1",)) as rig:
        node, file = rig.nodes["as1"], rig.folder / "keys.json"
        with http_client(base_url=node.url) as http:
            good = http.post("/oauth/token", json=credentials(rig.clinic.machine)).json()["access_token"]
        forged = Signer(new_signing_key(), "at+jwt").sign(b"{}").rpartition(".")[0] + "." + good.rpartition(".")[2]

        def begun(*, kept: bool) -> TokenVerifier:
            # Tokens name the issuer, whose key set is where its server is: here, on this network.
            one = TokenVerifier(
                node.url, rig.clinic.settings.audience, introspection=None, keys_file=file if kept else None, timeout_s=2
            )
            one._issuer = decode(good)[1]["iss"]
            return one
