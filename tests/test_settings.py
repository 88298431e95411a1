"""Settings: their sources, their checks, and every problem in one report."""

import base64
import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rxauth import settings
from rxauth.setting_checks import is_loopback
from rxauth.settings import Settings, SettingsError, check, descriptions, read

KEY = base64.b64encode(bytes(range(32))).decode()
GOOD = {
    "RXAUTH_ISSUER": "https://auth.example.com/",
    "RXAUTH_AUDIENCE": "https://api.example.com",
    "RXAUTH_DATABASE_URL": "sqlite:////var/lib/rxauth/rxauth.sqlite",
    "RXAUTH_SEALING_KEY": KEY,
}

# A variable, a value that it may not have, and what the report says of it.
REFUSED = [
    ("ISSUER", "auth.example.com", "must be a URL"),
    ("ISSUER", "ftp://auth.example.com", "must be a URL"),
    ("ISSUER", "https://", "must be a URL"),
    ("ISSUER", "", "must be a URL"),
    ("ISSUER", "https://auth.example.com/?a=b", "must be a URL"),
    ("ISSUER", "https://auth.example.com/#a", "must be a URL"),
    ("ISSUER", "http://auth.example.com", "must be https"),
    ("ISSUER", "http://10.0.0.1", "must be https"),
    ("ISSUER", "http://0.0.0.0", "must be https"),
    ("ISSUER", "http://localhost.example.com", "must be https"),
    ("ISSUER", "http://127.0.0.1.example.com", "must be https"),
    ("ISSUER", "http://localhost@auth.example.com", "must be https"),
    ("AUDIENCE", "api", "must be an absolute URL"),
    ("AUDIENCE", "", "must be an absolute URL"),
    ("AUDIENCE", "https://api.example.com#a", "must be an absolute URL"),
    ("AUDIENCE", "https://api.example.com/a b", "must be an absolute URL"),
    ("AUDIENCE", "https://äpi.example.com", "must be an absolute URL"),
    ("DATABASE_URL", "mysql://root@localhost/rxauth", "sqlite:///FILE"),
    ("DATABASE_URL", "sqlite:///:memory:", "sqlite:///FILE"),
    ("DATABASE_URL", "sqlite://", "sqlite:///FILE"),
    ("DATABASE_URL", "nothing", "a URL like sqlite:///FILE"),
    ("OWNER_DATABASE_URL", "nothing", "a URL like sqlite:///FILE"),
    ("SEALING_KEY", "", "32 random bytes"),
    ("SEALING_KEY", "short", "32 random bytes"),
    ("SEALING_KEY", KEY[:-4], "32 random bytes"),
    ("SEALING_KEY", base64.b64encode(bytes(33)).decode(), "32 random bytes"),
    ("SEALING_KEY", f"{KEY}\n{KEY}", "32 random bytes"),
    ("LISTEN_HOST", " ", "must not be empty"),
    ("LISTEN_PORT", "0", "from 1 to 65535"),
    ("LISTEN_PORT", "65536", "from 1 to 65535"),
    ("LISTEN_PORT", "http", "a whole number"),
    ("LISTEN_PORT", "8000.5", "a whole number"),
    ("TRUSTED_PROXIES", "proxy.example.com", "must be networks"),
    ("TRUSTED_PROXIES", "10.0.0.1/24", "must be networks"),
    ("CLIENT_REQUESTS_PER_MINUTE", "0", "from 1 to 1000000000"),
    ("MACHINE_TOKEN_LIFETIME_S", "59", "from 60 to 2592000"),
    ("MACHINE_TOKEN_LIFETIME_S", "2592001", "from 60 to 2592000"),
    ("MACHINE_TOKEN_LIFETIME_S", "1 day", "a whole number"),
    ("KEY_SET_LIFETIME_S", "0", "from 1 to 86400"),
    ("PASSWORD_MEMORY_KIB", "7167", "from 7168 to 131072"),
    ("PASSWORD_TIME_COST", "0", "from 1 to 16"),
    ("PASSWORD_PARALLELISM", "9", "from 1 to 8"),
    ("SMTP_URL", "mail.example.com", "a URL like smtp://"),
    ("SMTP_URL", "http://mail.example.com", "a URL like smtp://"),
    ("SMTP_URL", "smtp://", "a URL like smtp://"),
    ("SMTP_URL", "smtp://mail.example.com:0", "a URL like smtp://"),
    ("SMTP_URL", "smtp://mail.example.com:mail", "a URL like smtp://"),
    ("SMTP_URL", "smtp://user@mail.example.com", "a URL like smtp://"),
    ("SMTP_URL", "smtps://mail.example.com?tls=no", "a URL like smtp://"),
    ("MAIL_FROM", "nobody", "must be like no-reply@example.com"),
    ("MAIL_FROM", "a@b@example.com", "must be like no-reply@example.com"),
    ("MAIL_FROM", "a@example.com\nBcc: b@example.com", "must be like no-reply@example.com"),
    ("METRICS_LISTEN_HOST", "0.0.0.0", "loopback or private"),
    ("METRICS_LISTEN_HOST", "8.8.8.8", "loopback or private"),
    ("METRICS_LISTEN_HOST", "localhost", "an IP address"),
    ("METRICS_LISTEN_PORT", "65536", "from 1 to 65535"),
    ("PHARMACY_NETWORK_URL", " ", "must not be empty"),
    ("PHARMACY_NETWORK_SECRET", "x" * 31, "32 characters or more"),
    ("PHARMACY_NETWORK_SECRET", "x" * 32 + " ", "32 characters or more"),
    ("STALENESS_BOUND_S", "-1", "from 1 to 60"),
    ("STALENESS_BOUND_S", "61", "from 1 to 60"),
]


def problems(environment: dict[str, str]) -> list[str]:
    """Returns the problems that the environment has."""
    with pytest.raises(SettingsError) as refused:
        read(environment)
    return refused.value.problems


@pytest.mark.parametrize(("given", "missing"), [("URL", "SECRET"), ("SECRET", "URL")])
def test_a_pharmacy_network_has_a_url_and_a_secret_or_neither(given: str, missing: str) -> None:
    value = {"URL": "https://network.example.com/orders", "SECRET": "x" * 32}[given]
    [problem] = problems(GOOD | {f"RXAUTH_PHARMACY_NETWORK_{given}": value})
    assert problem.startswith(f"RXAUTH_PHARMACY_NETWORK_{missing} is not set")


def test_what_is_not_given_has_its_default() -> None:
    chosen = read(GOOD)
    assert dataclasses.asdict(chosen) == {
        "issuer": "https://auth.example.com/",
        "audience": "https://api.example.com",
        "database_url": "sqlite:////var/lib/rxauth/rxauth.sqlite",
        "owner_database_url": None,
        "sealing_key": bytes(range(32)),
        "listen_host": "127.0.0.1",
        "listen_port": 8000,
        "metrics_listen_host": None,
        "metrics_listen_port": 9464,
        "machine_token_lifetime_s": 86_400,
        "person_token_lifetime_s": 3_600,
        "session_idle_s": 3_600,
        "session_lifetime_s": 86_400,
        "password_memory_kib": 19_456,
        "password_time_cost": 2,
        "password_parallelism": 1,
        "smtp_url": None,
        "mail_from": None,
        "outbound_networks": None,
        "trusted_proxies": None,
        "client_requests_per_minute": 6_000,
        "organization_requests_per_minute": 30_000,
        "person_requests_per_minute": 1_200,
        "network_requests_per_minute": 3_000,
        "pharmacy_network_url": None,
        "pharmacy_network_secret": None,
        "audit_checkpoint_file": None,
        "audit_retention_years": 6,
        "key_set_lifetime_s": 300,
        "key_rotation_days": 90,
        "pkcs11_library": None,
        "pkcs11_token": None,
        "pkcs11_pin": None,
        "staleness_bound_s": 10,
    }


def test_an_empty_environment_lacks_each_of_the_settings_that_must_be_set() -> None:
    found = problems({})
    assert [problem.split()[0] for problem in found] == list(GOOD)
    assert all("is not set" in problem for problem in found)


@pytest.mark.parametrize(("name", "value", "said"), REFUSED)
def test_a_value_that_makes_no_sense_is_the_one_problem(name: str, value: str, said: str) -> None:
    [problem] = problems({**GOOD, f"RXAUTH_{name}": value})
    assert problem.startswith(f"RXAUTH_{name} ")
    assert said in problem


@pytest.mark.parametrize(
    ("name", "value"),
    [("SEALING_KEY", "hunter2"), ("DATABASE_URL", "mysql://rxauth:hunter2@db/rxauth"), ("DATABASE_URL", "hunter2")],
)
def test_a_problem_does_not_repeat_a_secret(name: str, value: str) -> None:
    assert "hunter2" not in problems({**GOOD, f"RXAUTH_{name}": value})[0]


def test_every_problem_is_reported_at_once() -> None:
    found = problems(
        {
            "RXAUTH_ISSUER": "http://auth.example.com",
            "RXAUTH_DATABASE_URL": "nothing",
            "RXAUTH_LISTEN_PORT": "http",
            "RXAUTH_ISUER": "https://auth.example.com",
            "RXAUTH_SETTINGS_FILE": "/nowhere/rxauth.toml",
        }
    )
    assert len(found) == 7
    for name in ("ISSUER", "DATABASE_URL", "LISTEN_PORT", "ISUER", "SETTINGS_FILE", "AUDIENCE", "SEALING_KEY"):
        assert sum(problem.startswith(f"RXAUTH_{name}") for problem in found) == 1
    assert str(SettingsError(found)) == "\n".join(found)


@pytest.mark.parametrize(
    ("unknown", "meant"),
    [
        ("RXAUTH_ISUER", "RXAUTH_ISSUER"),
        ("RXAUTH_DATABASE", "RXAUTH_DATABASE_URL"),
        ("RXAUTH_LISTEN_PORTS", "RXAUTH_LISTEN_PORT"),
    ],
)
def test_an_unknown_name_is_a_problem_with_a_hint(unknown: str, meant: str) -> None:
    assert problems({**GOOD, unknown: "x"}) == [f"{unknown} is no setting. Did you mean {meant}?"]


def test_an_unknown_name_like_no_other_is_a_problem_without_a_hint() -> None:
    assert problems({**GOOD, "RXAUTH_ZZZ": "x"}) == ["RXAUTH_ZZZ is no setting."]


def test_the_rest_of_the_environment_is_nobodys_business() -> None:
    assert read({**GOOD, "PATH": "/bin", "rxauth_issuer": "x", "RXAUTHOR": "somebody"}) == read(GOOD)


def test_an_issuer_ends_in_a_slash() -> None:
    assert read({**GOOD, "RXAUTH_ISSUER": "https://auth.example.com"}).issuer == "https://auth.example.com/"
    assert read({**GOOD, "RXAUTH_ISSUER": "https://example.com/auth"}).issuer == "https://example.com/auth/"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "[::1]"])
def test_an_issuer_on_this_machine_may_be_http(host: str) -> None:
    assert read({**GOOD, "RXAUTH_ISSUER": f"http://{host}:8000"}).issuer == f"http://{host}:8000/"
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::", "10.0.0.1", "localhost.", "localhost.example.com", "127.1"])
def test_other_hosts_are_not_this_machine(host: str) -> None:
    assert not is_loopback(host)


def test_a_file_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    file = tmp_path / "rxauth.toml"
    file.write_text(
        'issuer = "https://file.example.com/"\naudience = "https://api.example.com"\nlisten_port = 9000\n'
        f'listen_host = "0.0.0.0"\nsealing_key = "{KEY}"\ndatabase_url = "sqlite:////file.sqlite"\n'
    )
    from_file = read({"RXAUTH_SETTINGS_FILE": str(file)})
    assert (from_file.issuer, from_file.listen_port) == ("https://file.example.com/", 9000)
    chosen = read({"RXAUTH_SETTINGS_FILE": str(file), **GOOD, "RXAUTH_LISTEN_PORT": "9001"})
    assert (chosen.issuer, chosen.listen_port, chosen.listen_host) == ("https://auth.example.com/", 9001, "0.0.0.0")


def test_the_file_and_the_problems_of_the_page_are_as_it_shows(tmp_path: Path) -> None:
    page = (Path(__file__).parents[1] / "docs" / "settings.md").read_text()
    [content], [said] = (re.findall(rf"```{kind}\n(.*?)```", page, re.DOTALL) for kind in ("toml", "text"))
    file = tmp_path / "rxauth.toml"
    file.write_text(content)
    wrong = {"RXAUTH_ISSUERR": "x", "RXAUTH_ISSUER": "http://auth.example.com", "RXAUTH_SEALING_KEY": "short"}

    chosen = read({"RXAUTH_SETTINGS_FILE": str(file), "RXAUTH_SEALING_KEY": KEY})
    found = problems({"RXAUTH_SETTINGS_FILE": str(file), **wrong})

    assert (chosen.audience, chosen.listen_port) == ("https://api.example.com", 8000)
    assert [f"error: {one}" for one in found] == said.splitlines()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"issuer = ", "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
        (b'isuer = "https://auth.example.com/"\n', "isuer in FILE is no setting. Did you mean issuer?"),
        (b'[rxauth]\nissuer = "https://auth.example.com/"\n', "rxauth in FILE is no setting."),
        (b'RXAUTH_ISSUER = "https://auth.example.com/"\n', "RXAUTH_ISSUER in FILE is no setting."),
    ],
)
def test_a_file_that_is_wrong_is_one_problem(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "rxauth.toml"
    file.write_bytes(content)
    [problem] = problems({**GOOD, "RXAUTH_SETTINGS_FILE": str(file)})
    assert said.replace("FILE", str(file)) in problem


@pytest.mark.parametrize(
    "line",
    [
        "listen_port = true",
        "listen_port = 80.5",
        "listen_port = [80]",
        "issuer = 5",
        "listen_host = false",
        "sealing_key = 5",
        "database_url = {}",
    ],
)
def test_a_value_of_the_wrong_type_in_a_file_is_one_problem(tmp_path: Path, line: str) -> None:
    file = tmp_path / "rxauth.toml"
    file.write_text(f"{line}\n")
    name = line.split(maxsplit=1)[0].upper()
    others = {variable: value for variable, value in GOOD.items() if variable != f"RXAUTH_{name}"}
    [problem] = problems({**others, "RXAUTH_SETTINGS_FILE": str(file)})
    assert problem.startswith(f"RXAUTH_{name} ")


def test_secrets_are_not_printed() -> None:
    chosen = read({**GOOD, "RXAUTH_DATABASE_URL": "postgresql://rxauth:hunter2@db.example.com/rxauth"})
    for secret in ("hunter2", KEY, str(chosen.sealing_key), "db.example.com"):
        assert secret not in repr(chosen)
    assert "https://auth.example.com/" in repr(chosen)


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        read(GOOD).listen_port = 1  # type: ignore[misc]


def test_every_setting_is_described_once_and_every_default_is_accepted() -> None:
    described = descriptions()
    assert [one.member for one in described] == [member.name for member in dataclasses.fields(Settings)]
    for one in described:
        assert one.variable == f"RXAUTH_{one.member.upper()}"
        assert one.meaning.endswith(".")
        if one.default not in {None, "not set"}:
            assert check({**_members(), one.member: one.default}) == read(GOOD)


def test_the_settings_need_no_library_until_a_database_is_named() -> None:
    """A command's help imports this module, and has to be quick."""
    heavy = "{'sqlalchemy', 'starlette', 'cryptography', 'graphql'}"
    asked = f"import sys, {settings.__name__}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def _members() -> dict[str, str]:
    return {variable.removeprefix("RXAUTH_").lower(): value for variable, value in GOOD.items()}
