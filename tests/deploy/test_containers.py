"""The container files: linted, of files and settings that exist, with the guide's roles. Nothing builds them."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from rxauth import settings
from tests.contract.test_docs import DOCS, ROOT

FOLDER = ROOT / "deploy" / "container"
CONTAINERFILE, COMPOSE = FOLDER / "Containerfile", FOLDER / "compose.yaml"
GUIDE = DOCS / "guides" / "deploy.md"
READY = "/readyz"


@pytest.fixture
def compose() -> Any:
    """The compose file."""
    return yaml.safe_load(COMPOSE.read_text())


def program(name: str) -> str:
    """Returns the path of a tool."""
    return str(Path(sys.executable).parent / name)


def run(*command: object) -> subprocess.CompletedProcess[str]:
    """Runs a tool."""
    return subprocess.run([str(one) for one in command], capture_output=True, text=True, check=False, timeout=60)


def test_the_container_file_has_no_lint() -> None:
    done = run(program("hadolint"), CONTAINERFILE)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_linter_finds_lint(tmp_path: Path) -> None:
    (tmp_path / "Containerfile").write_text("FROM debian\nRUN cd /tmp\n")
    assert run(program("hadolint"), tmp_path / "Containerfile").returncode == 1


def test_the_compose_file_is_one(tmp_path: Path) -> None:
    check = (program("check-jsonschema"), "--builtin-schema", "vendor.compose-spec")
    (tmp_path / "wrong.yaml").write_text(COMPOSE.read_text().replace("restart:", "restarts:"))
    done = run(*check, COMPOSE)
    assert done.returncode == 0, done.stdout
    assert run(*check, tmp_path / "wrong.yaml").returncode == 1


def test_what_the_image_is_made_of_exists() -> None:
    of_us = re.findall(r"^COPY (?!--)(.+)$", CONTAINERFILE.read_text(), re.MULTILINE)
    files = [name for line in of_us for name in line.split()[:-1]]
    assert "src" in files
    assert [name for name in files if not (ROOT / name).exists()] == []
    kept = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    assert sorted(kept) == sorted(files)


def test_every_health_check_of_the_server_asks_whether_it_is_ready(compose: Any) -> None:
    [check] = re.findall(r"^HEALTHCHECK .+\\\n +CMD (.+)$", CONTAINERFILE.read_text(), re.MULTILINE)
    assert READY in check
    assert READY in str(compose["services"]["proxy"]["healthcheck"]["test"])
    assert f"health_uri {READY}" in (FOLDER / "Caddyfile").read_text()


def test_every_setting_exists_and_no_container_has_privileges(compose: Any) -> None:
    known = {one.variable for one in settings.descriptions()} | {settings.FILE_VARIABLE}
    ours = [compose["services"][name] for name in ("rxauth", "migrate")]
    named = {name for service in ours for name in service["environment"]}
    named |= set(re.findall(r"(RXAUTH_\w+)=", CONTAINERFILE.read_text()))
    assert named <= known
    for service in (*ours, compose["services"]["proxy"]):
        assert (service["cap_drop"], service["read_only"]) == (["ALL"], True)
    assert re.search(r"^USER [1-9]\d+$", CONTAINERFILE.read_text(), re.MULTILINE)


def test_addresses_agree(compose: Any) -> None:
    """Of the proxy that is trusted, of the server that it asks, and of the figures, which nobody outside reaches."""
    services, inside = compose["services"], compose["networks"]["inside"]
    address = {name: services[name]["networks"]["inside"]["ipv4_address"] for name in ("proxy", "rxauth")}
    environment = services["rxauth"]["environment"]
    assert environment["RXAUTH_TRUSTED_PROXIES"] == address["proxy"]
    assert environment["RXAUTH_METRICS_LISTEN_HOST"] == address["rxauth"]
    assert f"reverse_proxy {address['rxauth']}:8000 " in (FOLDER / "Caddyfile").read_text()
    assert inside["internal"] is True
    assert [name for name, one in services.items() if "ports" in one] == ["proxy"]


def test_whoever_has_the_owner_s_password_migrates_and_nothing_else(compose: Any) -> None:
    holders = {name for name, one in compose["services"].items() if "owner.toml" in one.get("secrets", [])}
    assert holders == {"migrate"}
    assert compose["services"]["migrate"]["command"] == ["migrate"]


def test_the_roles_are_those_of_the_guide() -> None:
    made = (FOLDER / "make-roles.sh").read_text()
    [guide] = re.findall(
        r"```sql\n(CREATE ROLE rxauth_owner.*?)```", (DOCS / "guides" / "operate.md").read_text(), re.DOTALL
    )
    ours = made.partition("<<'SQL'\n")[2].partition("SQL\n")[0]
    for name in ("owner_password", "serving_password"):
        ours = ours.replace(f":'{name}'", f"'{name.upper()}'")
    assert ours == guide
    assert shutil.which("bash")
    assert run("bash", "-n", FOLDER / "make-roles.sh").returncode == 0


def test_the_guide_s_secrets_are_settings_that_hold_together(tmp_path: Path) -> None:
    [written] = [one for one in re.findall(r"```sh\n(.*?)```", GUIDE.read_text(), re.DOTALL) if "mkdir secrets" in one]
    environment = {"PATH": os.environ["PATH"], "RXAUTH_HOST": "auth.example.com"}
    subprocess.run(["bash", "-euc", written], cwd=tmp_path, env=environment, check=True)
    made = {path.name: path for path in (tmp_path / "secrets").iterdir()}
    assert {path.stat().st_mode & 0o777 for path in made.values()} == {0o600}
    serving, owner = (
        settings.read({settings.FILE_VARIABLE: str(made[name])}) for name in ("rxauth.toml", "owner.toml")
    )
    assert serving.issuer == "https://auth.example.com/"
    assert owner == replace(serving, owner_database_url=owner.owner_database_url)
    assert made["owner-password"].read_text() in str(owner.owner_database_url)
    assert made["serving-password"].read_text() in serving.database_url
    assert {Path(one["file"]).name for one in yaml.safe_load(COMPOSE.read_text())["secrets"].values()} == set(made)


def test_the_guide_installs_files_that_exist() -> None:
    named = re.findall(r"\bdeploy/[\w./*-]+", GUIDE.read_text())
    assert named
    assert [one for one in named if not list(ROOT.glob(one.rstrip("./")))] == []
