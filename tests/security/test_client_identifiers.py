"""A client_id that no client can have, from a URL, a form or a page: refused like an unknown one, and no accident."""

from collections.abc import Iterator

import pytest

from tests.api.answers import Clinics
from tests.live import Live
from tests.token_holders import CALLBACK
from tests.world import Template

ODD = ("\x00", "a\x00b", "\N{LATIN SMALL LETTER E WITH ACUTE}" * 32, "'; --", "x" * 8_000)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def live(request: pytest.FixtureRequest) -> Live:
    """A server on each engine, for the whole module."""
    clinics: Clinics = request.getfixturevalue("clinics")
    return clinics.serve(request.param)


@pytest.fixture(scope="module")
def clinics(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinics]:
    """The servers."""
    made = Clinics(templates, tmp_path_factory)
    yield made
    made.stop()


@pytest.mark.parametrize("client_id", ODD, ids=ascii)
@pytest.mark.parametrize(("path", "status"), [("/v2/logout", 200), ("/oidc/logout", 200), ("/authorize", 400)])
def test_an_identifier_that_no_client_has_in_a_url_is_an_unknown_one(
    live: Live, path: str, status: int, client_id: str
) -> None:
    asked = {"client_id": client_id, "redirect_uri": CALLBACK}
    assert live.http.get(path, params=asked).status_code == status


@pytest.mark.parametrize("client_id", ODD, ids=ascii)
@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke"])
def test_an_identifier_that_no_client_has_from_a_page_is_an_unknown_one(live: Live, path: str, client_id: str) -> None:
    asked = {"grant_type": "refresh_token", "refresh_token": "x", "token": "x", "client_id": client_id}
    answer = live.http.post(path, data=asked, headers={"origin": "https://app.example"})

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
