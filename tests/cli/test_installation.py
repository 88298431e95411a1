"""An installation on PostgreSQL from nothing: every command in the order in which an operator needs it."""

import subprocess
from pathlib import Path

from rxauth.settings import Settings
from tests.live import decode, process, run
from tests.storage.test_migrations import REVISIONS, unmigrated
from tests.world import AUDIENCE, ISSUER

SCOPE = "read:patient write:patient read:prescription read:order write:order"


def done(settings: Settings, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Runs a command that must succeed."""
    finished = run(settings, *arguments, stdin=stdin)
    assert finished.returncode == 0, finished.stderr
    return finished


def test_an_installation_is_set_up_served_and_used_by_commands(tmp_path: Path) -> None:
    empty = unmigrated("postgresql", tmp_path)
    assert done(empty, "migrate").stdout == f"Applied: {', '.join(REVISIONS)}.\n"

    made = done(empty, "organizations", "create", "Cedar Clinic")
    organization = made.stdout.strip()
    assert organization.startswith("org_")
    assert made.stderr == f"Next, its credentials: rxauth clients create {organization}\n"

    credentials = done(empty, "clients", "create", organization, "--permission", "read:audit")
    lines = dict(line.rsplit("  ", 1) for line in credentials.stdout.splitlines())
    client_id, secret = lines["client id    "].strip(), lines["client secret"].strip()
    assert credentials.stderr == "The secret is shown this once: only a digest of it is kept.\n"

    listed = done(empty, "clients", "list")
    header, row = listed.stdout.splitlines()
    assert header.split() == ["ORGANIZATION", "CLIENT", "NAME", "SECRET", "STATE", "MADE", "ENDS"]
    assert row.split()[:3] == [organization, client_id, "Backend"]
    assert (row.split()[4], row.split()[-1]) == ("works", "-")
    assert secret not in listed.stdout + listed.stderr

    with process(empty) as server:
        got = done(empty, "token", "--client-id", client_id, "--secret-file", "-", "--url", server.url, stdin=secret)
        token = got.stdout.strip()
        answer = server.http.post("/graphql", json={"query": "{ patients { id } }"}, headers={"authorization": token})
        assert answer.json() == {"data": {"patients": []}}

    claims = decode(token)[1]
    assert (claims["iss"], claims["aud"], claims["org_id"]) == (ISSUER, AUDIENCE, organization)
    explained = done(empty, "explain", "-", stdin=token)
    assert explained.stdout.splitlines()[0] == "This is an access token of a machine: an organization's backend."
    assert explained.stdout.splitlines()[-1] == "The server would accept it."
    keys = done(empty, "keys", "list").stdout.splitlines()
    listed_keys = sorted(tuple(row.split()[1:3]) for row in keys[1:])
    assert listed_keys == [(name, state) for name in ("ES256", "EdDSA", "RS256") for state in ("current", "next")]
    for finished in (listed, got, explained):
        assert finished.stderr == ""
