"""The guide to SCIM: its documents and commands are typed as they stand, and its figures are the server's."""

import json
import os
import re
import subprocess

import pytest

from rxauth.domain import client_secrets, scim_groups
from rxauth.domain.scim_people import SETTLED_AT_ONCE
from rxauth.edge.guards import BODY_LIMIT_BYTES
from rxauth.policy.roles import Role
from rxauth.scim import listing, paging
from tests.contract.test_docs import DOCS
from tests.live import Live
from tests.token_holders import Holders

TEXT = (DOCS / "guides" / "scim.md").read_text()


def blocks(language: str) -> list[str]:
    """Returns the blocks of a language."""
    return re.findall(rf"^ *```{language}\n(.*?)^ *```$", TEXT, re.DOTALL | re.MULTILINE)


@pytest.fixture
def administrator(sqlite_live: Live) -> str:
    """The token of an administrator."""
    holders = Holders(sqlite_live)
    return str(holders.tokens(holders.person(Role.ADMINISTRATOR))["access_token"])


def test_what_the_guide_shows_sets_up_and_serves_a_user(sqlite_live: Live, administrator: str) -> None:
    mapped, made, shown = (sqlite_live.data(administrator, document) for document in blocks("graphql"))
    assert mapped["setScimGroupRoles"]["roles"] == [{"id": "rol_medical_operations"}]
    assert shown["scim"]["baseUrl"].endswith("/scim/v2")
    variables = {"BASE": f"{sqlite_live.url}/scim/v2", "TOKEN": made["createScimToken"]["token"]}

    def typed(command: str) -> str:
        done = subprocess.run(
            ["bash", "-ec", command], env={**os.environ, **variables}, capture_output=True, text=True, check=True
        )
        return done.stdout

    create, find, deactivate, delete = blocks("sh")
    variables["ID"] = json.loads(typed(create))["id"]
    assert [one["id"] for one in json.loads(typed(find))["Resources"]] == [variables["ID"]]
    assert json.loads(typed(deactivate))["active"] is False
    assert typed(delete) == ""
    assert json.loads(typed(find))["totalResults"] == 0


def test_the_figures_of_the_guide_are_those_of_the_server() -> None:
    assert f"more than {SETTLED_AT_ONCE} people" in TEXT
    assert f"more than {listing.LOOKED_THROUGH} resources" in TEXT
    assert f"{paging.DEFAULT_COUNT} resources unless" in TEXT
    assert f"{paging.MOST} at most" in TEXT
    assert f"{BODY_LIMIT_BYTES // 1024} KiB a request" in TEXT
    assert f"{scim_groups.MEMBERS_LIMIT} members a group, {scim_groups.GROUPS_LIMIT} groups" in TEXT
    assert client_secrets.REMINDED_DAYS == (30, 7, 1)
