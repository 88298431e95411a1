"""The guide to browser clients: what it sends registers an app, and its figures are the server's."""

import re

from rxauth.domain.apps import APPS_LIMIT
from tests.api.management.people import Clinic
from tests.contract.test_docs import DOCS
from tests.live import Live

GUIDE = DOCS / "guides" / "browser-clients.md"


def test_the_mutation_of_the_guide_registers_an_app(sqlite_live: Live) -> None:
    [mutation] = re.findall(r"```graphql\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    clinic = Clinic(sqlite_live)
    made = sqlite_live.data(clinic.administrator.token, mutation)["createApp"]
    found = sqlite_live.data(
        clinic.administrator.token, "query($id: ID!) { app(id: $id) { redirectUrls } }", {"id": made["id"]}
    )
    assert found["app"]["redirectUrls"] == ["http://localhost:3000", "https://charts.alder.example"]


def test_the_guides_figures_are_those_of_the_server() -> None:
    assert f"An organization has at most {APPS_LIMIT}." in " ".join(GUIDE.read_text().split())
