"""What pytest finds by itself where rxauth is installed: a sandbox for the tests of a session."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from rxauth.testing import RunningSandbox


@pytest.fixture(scope="session")
def rxauth_sandbox(pytestconfig: pytest.Config) -> Iterator["RunningSandbox"]:
    """A sandbox on a port of its own: `rxauth_sandbox.url`, `.client_id`, `.client_secret`, `.token("prescriber")`."""
    from rxauth.testing import running_sandbox  # noqa: PLC0415  # late: most sessions do not ask for it

    with running_sandbox(pytestconfig.cache.mkdir("rxauth")) as one:
        yield one
