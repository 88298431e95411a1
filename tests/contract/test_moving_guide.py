"""The guide for who comes from Auth0 or Photon: what it says to change is what works, and its people are taken in."""

import json
import re
import runpy
import subprocess
from functools import partial
from pathlib import Path

import pytest

from rxauth.domain import memberships, passwords, people_import
from rxauth.domain.people_import import Newcomer
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from tests.browser import apps
from tests.contract.test_docs import DOCS
from tests.contract.test_quickstart import is_as_shown
from tests.live import Live
from tests.world import AUDIENCE, ISSUER, NOW, World

GUIDE = (DOCS / "guides" / "moving-from-auth0-or-photon.md").read_text()
DOCUMENTED_ISSUER, DOCUMENTED_AUDIENCE = "https://auth.example.com", "https://api.example.com"
HASH = "$2b$10$Z6hUTEEeoJXN5/AmSm/4.eZ75RYgFVriQM9LPhNEC7kbAbS/VAaJ2"


def blocks(language: str) -> list[str]:
    """Returns the guide's blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("changed", blocks("diff"), ids=lambda text: re.findall(r'from "(.+)"', text)[0])
def test_a_browser_client_becomes_one_that_runs_in_a_browser(changed: str) -> None:
    lines = changed.splitlines()
    [package] = re.findall(r'from "(.+)"', changed)
    after = "\n".join(line[1:] for line in lines if not line.startswith("-"))
    before = "\n".join(line[1:] for line in lines if not line.startswith("+"))

    assert after.replace(DOCUMENTED_ISSUER, ISSUER[:-1]).replace(DOCUMENTED_AUDIENCE, AUDIENCE) in apps.guide(package)
    assert (before.count("{"), before.count("(")) == (before.count("}"), before.count(")"))
    assert "example.com" not in before


def test_a_backend_gets_its_token_as_the_guide_shows(sqlite_live: Live) -> None:
    alder = sqlite_live.world.alder
    asked = blocks("sh")[0].replace("YOUR_CLIENT_ID", alder.client_id).replace("YOUR_CLIENT_SECRET", alder.secret)
    typed = asked.replace(DOCUMENTED_ISSUER, sqlite_live.url).replace(DOCUMENTED_AUDIENCE, AUDIENCE)
    done = subprocess.run(["bash", "-c", typed], capture_output=True, text=True, check=True, timeout=60)

    assert is_as_shown(done.stdout.strip(), blocks("json")[0].strip())


def test_people_of_an_export_are_brought_with_their_passwords(
    sqlite_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    exported = [
        {"email": f"{name}@Alder.example", "given_name": name, "family_name": "Alder"} for name in ("Ben", "Eve")
    ]
    hashed = {"_id": {"$oid": "60425dc43519d90068f82973"}, "email": "ben@alder.example", "passwordHash": HASH}
    Path("users.ndjson").write_text("".join(f"{json.dumps(one)}\n" for one in exported))
    Path("hashes.ndjson").write_text(f"{json.dumps(hashed)}\n")
    Path("shown.py").write_text(blocks("python")[0])

    runpy.run_path("shown.py")

    database = sqlite_world.open()
    with Path("people.jsonl").open() as opened:
        newcomers = [one for _, one in people_import.read_json_lines(opened) if isinstance(one, Newcomer)]
    ben, eve = (database.write(partial(taken_in, sqlite_world, one)) for one in newcomers)
    database.close()
    assert ben == ({Role.ADMINISTRATOR}, HASH)
    assert eve == ({Role.STAFF}, None)


def taken_in(world: World, newcomer: Newcomer, tx: Transaction) -> tuple[set[Role], str | None]:
    """Takes somebody in; returns the roles they have, and the hash of the password that is theirs."""
    organization = world.alder.organization_id
    user = people_import.take_in(tx, organization, newcomer, NOW)
    membership = memberships.of_organization(tx, organization)[user.id]
    return set(membership.roles), passwords.begin(tx, user.email).stored
