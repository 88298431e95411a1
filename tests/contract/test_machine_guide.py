"""The guide to the machine client: what it shows is what the server takes, and its figures are the server's."""

import re

import pytest

from rxauth.api.management import machine_secrets
from rxauth.domain import client_secrets, clients, machine_clients
from rxauth.policy.roles import Role
from tests.contract.test_docs import DOCS, table
from tests.live import Live
from tests.token_holders import Holders

GUIDE = DOCS / "guides" / "machine-clients.md"
TEXT = GUIDE.read_text()
# Documents in blocks, and calls in sentences.
BLOCKS = re.findall(r"```graphql\n(.*?)```", TEXT, re.DOTALL)
CALLS = [one for one in re.findall(r"`(\{[^`]+\}|\w+\([^`]+\))`", TEXT) if not one.startswith("createMachineClient")]


@pytest.fixture
def token(sqlite_live: Live) -> str:
    """The token of an administrator."""
    holders = Holders(sqlite_live)
    return str(holders.tokens(holders.person(Role.ADMINISTRATOR))["access_token"])


def _document(call: str) -> str:
    return call if call.startswith("{") else f"mutation {{ {call} {{ id }} }}"


def test_every_document_and_call_of_the_guide_is_taken(sqlite_live: Live, token: str) -> None:
    alder = sqlite_live.world.alder
    names = {"sec_…": alder.secret_id, "CLIENT_ID": alder.client_id}
    assert len(BLOCKS) == 2
    assert len(CALLS) >= 4
    # Two secrets work at once: so one is revoked before the third is made.
    last = ("createMachineSecret", "revokeMachineSecret", "rotateSecret")
    for one in sorted([*BLOCKS, *map(_document, CALLS)], key=lambda text: [name in text for name in reversed(last)]):
        filled = re.sub("|".join(names), lambda shown: names[shown[0]], one)
        assert sqlite_live.data(token, filled)


def test_the_figures_of_the_guide_are_those_of_the_server() -> None:
    cells = {name: (what, without) for name, what, without in table(GUIDE, "Make a secret")}
    assert f"0 to {clients.OVERLAP_LIMIT_S} (30 days)" in cells["`overlapSeconds`"][0]
    assert cells["`overlapSeconds`"][1] == f"{machine_secrets.OVERLAP_S} (24 hours)"
    assert machine_clients.LONGEST_LIFE_S // (365 * machine_clients.DAY_S) == 5
    assert client_secrets.REMINDED_DAYS == (30, 7, 1)
    assert "30 days, 7 days and 1 day before" in TEXT
    assert clients.LIVE_SECRETS_LIMIT == 2
