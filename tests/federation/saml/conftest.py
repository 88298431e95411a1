"""What the tests of SAML share."""

import pytest

from tests.federation.saml.issuing import Xmlsec


@pytest.fixture(scope="session")
def xmlsec(tmp_path_factory: pytest.TempPathFactory) -> Xmlsec:
    """An identity provider's program."""
    return Xmlsec(tmp_path_factory.mktemp("xmlsec"))
