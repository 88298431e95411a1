"""The guide to an organization's settings: its documents do what the page says, in its order."""

import base64
import re

from graphql import GraphQLInputObjectType

from tests.api.management.people import Clinic
from tests.api.measures import SCHEMA
from tests.contract.test_docs import DOCS
from tests.live import Live
from tests.pictures import PNG

GUIDE = (DOCS / "guides" / "organization.md").read_text()


def test_every_document_of_the_guide_is_one_that_the_server_runs(sqlite_live: Live) -> None:
    clinic = Clinic(sqlite_live)
    written = re.findall(r"```graphql\n(.*?)```", GUIDE, re.DOTALL)
    assert len(written) == 4
    version = "VERSION"
    for document in written:
        filled = document.replace("BASE64", base64.b64encode(PNG).decode()).replace("VERSION", version)
        administrator = clinic.again(clinic.administrator)
        assert sqlite_live.data(administrator.token, filled)
        asked = "{ organizationSettings { version } }"
        version = sqlite_live.data(administrator.token, asked)["organizationSettings"]["version"]


def test_the_guide_names_every_setting_that_can_be_changed() -> None:
    kind = SCHEMA.type_map["OrganizationSettingsInput"]
    assert isinstance(kind, GraphQLInputObjectType)
    for name in kind.fields:
        assert name in GUIDE, name
