"""The guide to SAML says what each refusal means: its codes are compared with those in the code."""

import re

from rxauth.domain import connection_urls
from tests.contract.test_architecture import SOURCE
from tests.contract.test_docs import DOCS, table

GUIDE = DOCS / "guides" / "saml.md"
CODE = re.compile(r'SamlError\(\s*"([a-z_0-9]+)"')


def test_every_refusal_has_a_row() -> None:
    codes = {code for path in SOURCE.rglob("*.py") for code in CODE.findall(path.read_text())}
    rows = [row[0].strip("`") for row in table(GUIDE, "Why a sign-in or metadata were refused")]
    assert rows == sorted(codes)


def test_every_place_is_named() -> None:
    guide = GUIDE.read_text()
    places = (connection_urls.METADATA, connection_urls.ASSERTION_CONSUMER, connection_urls.SINGLE_LOGOUT)
    assert all(f"…{place.replace('{name}', 'NAME')}`" in guide for place in (*places, connection_urls.START))
