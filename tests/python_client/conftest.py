"""A server that is where it says it is, with its clock at this moment: the client looks, and has a clock."""

from collections.abc import Iterator
from typing import Any

import pytest

from rxauth_client import MachineCredentials
from tests.live import Live, at_its_issuer
from tests.world import World


@pytest.fixture
def served(sqlite_world: World) -> Iterator[Live]:
    """The server."""
    running = at_its_issuer(sqlite_world)
    yield running
    running.let_go()


def machine(served: Live, **options: Any) -> MachineCredentials:
    """Returns the credentials of a tenant's machine; options replace its own."""
    alder = served.world.alder
    given: dict[str, Any] = {"secret": alder.secret, "audience": served.server.audience, "patience_s": 0} | options
    return MachineCredentials(served.server.issuer, alder.client_id, **given)
