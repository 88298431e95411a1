"""The API protected by rxauth, started by its own command: who is let in, who is not, and who no longer is."""

import json
import re
import subprocess
import time
from collections.abc import Iterator

import httpx
import pytest

from rxauth.sandbox import read_credentials
from tests.examples.conftest import EXAMPLES, Place
from tests.live import PATIENCE_S, free_port, http_client, rxauth_program

AUDIENCE = "http://localhost:9000"
VISIT = {"patient_id": "pat_1", "day": "2031-05-06", "reason": "Check-up"}


@pytest.fixture(scope="module")
def api(place: Place) -> Iterator[httpx.Client]:
    """The example, which asks at each request whether the token holds."""
    port = free_port()
    command = [str(EXAMPLES / "protected-api" / "start"), "--port", str(port), "--log-level", "error"]
    running = subprocess.Popen(command, cwd=place.folder, env=place.environment(KEEP_S="0"), stdin=subprocess.DEVNULL)
    with http_client(base_url=f"http://localhost:{port}") as http:
        while not _answers(http):
            assert running.poll() is None
            time.sleep(0.02)
        yield http
    running.terminate()
    running.wait()


def _answers(http: httpx.Client) -> bool:
    try:
        return http.get("/visits").status_code == 401
    except httpx.TransportError:
        return False


def sent(api: httpx.Client, method: str, token: str) -> httpx.Response:
    """Asks for the visits, or adds one."""
    headers = {"authorization": f"Bearer {token}"}
    return api.request(method, "/visits", headers=headers, json=VISIT if method == "POST" else None)


def test_who_has_the_permission_is_let_in(place: Place, api: httpx.Client) -> None:
    token = place.sandbox.token("prescriber", audience=AUDIENCE)
    assert sent(api, "POST", token).status_code == 201
    assert sent(api, "GET", token).json() == [VISIT]


def test_who_lacks_the_permission_is_told_which(place: Place, api: httpx.Client) -> None:
    refused = sent(api, "GET", place.sandbox.token("developer", audience=AUDIENCE))
    assert refused.status_code == 403
    assert refused.headers["www-authenticate"] == 'Bearer error="insufficient_scope", scope="read:patient"'
    only_reads = place.sandbox.token("prescriber", "read:patient", AUDIENCE)
    assert [sent(api, method, only_reads).status_code for method in ("GET", "POST")] == [200, 403]


def test_a_token_for_another_api_opens_nothing(place: Place, api: httpx.Client) -> None:
    kept = read_credentials(place.sandbox.folder)  # a test before may have rotated the secret
    asked = {"client_id": kept.client_id, "client_secret": kept.client_secret, "grant_type": "client_credentials"}
    machine = httpx.post(f"{kept.url}/oauth/token", data=asked, timeout=PATIENCE_S).json()["access_token"]
    for token in (machine, place.sandbox.token("prescriber")):
        refused = sent(api, "GET", token)
        assert refused.status_code == 401
        assert "another API" in refused.json()["detail"]


def test_who_gave_the_token_back_is_out(place: Place, api: httpx.Client) -> None:
    token = place.sandbox.token("staff", audience=AUDIENCE)
    assert sent(api, "GET", token).status_code == 200
    browser = read_credentials(place.sandbox.folder).browser_client_id
    gone = httpx.post(
        f"{place.sandbox.url}/oauth/revoke", data={"client_id": browser, "token": token}, timeout=PATIENCE_S
    )
    assert gone.status_code == 200
    refused = sent(api, "GET", token)
    assert (refused.status_code, refused.headers["www-authenticate"].partition(",")[0]) == (
        401,
        'Bearer error="invalid_token"',
    )


def test_what_the_readme_tells_to_type_is_let_in(place: Place, api: httpx.Client) -> None:
    _, typed = re.findall(r"```sh\n(.*?)```", (EXAMPLES / "protected-api" / "README.md").read_text(), re.DOTALL)
    ours = typed.replace(".venv/bin/rxauth", rxauth_program()).replace(f"{AUDIENCE}/", f"{api.base_url}/")
    command = ["bash", "-c", ours]
    done = subprocess.run(
        command, cwd=place.folder, env=place.environment(), capture_output=True, text=True, check=True
    )
    assert isinstance(json.loads(done.stdout), list)
