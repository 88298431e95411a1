"""Every setting, once: its name with its unit, its default, its check. All problems are reported together."""

import difflib
import ipaddress
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from rxauth import setting_checks as checks

PREFIX: Final = "RXAUTH_"
FILE_VARIABLE: Final = "RXAUTH_SETTINGS_FILE"
_REQUIRED: Final = object()
_TOGETHER: Final = (
    ("pharmacy_network_url", "pharmacy_network_secret"),
    ("pkcs11_library", "pkcs11_token", "pkcs11_pin"),
)
_LIFETIME_LIMIT_S: Final = 30 * 86_400
_REQUESTS_LIMIT: Final = 1_000_000_000


class SettingsError(Exception):
    """The settings do not hold together; problems: one sentence each, with the name of the setting."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


def _setting(check: Callable[[Any], Any], meaning: str, default: Any = _REQUIRED, *, secret: bool = False) -> Any:
    metadata = {"check": check, "meaning": meaning, "default": default}
    return field(metadata=metadata, repr=not secret)


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The settings of one installation, checked."""

    issuer: str = _setting(
        checks.issuer, "The public URL of this server, and the `iss` of its tokens; it ends in a slash."
    )
    audience: str = _setting(checks.audience, "The API that tokens are for, and the only one that may be asked for.")
    database_url: str = _setting(
        checks.database_url,
        "Where the server keeps its data: `sqlite:///FILE` or `postgresql://USER@HOST/NAME`.",
        secret=True,
    )
    owner_database_url: str | None = _setting(
        checks.database_url,
        "The same database as the role that owns its tables, used by `rxauth migrate` alone. Not set: the same role.",
        None,
        secret=True,
    )
    sealing_key: bytes = _setting(
        checks.sealing_key, "32 random bytes in base64 that seal private keys in the database.", secret=True
    )
    listen_host: str = _setting(checks.not_blank, "The address to listen on.", "127.0.0.1")
    listen_port: int = _setting(checks.whole_number(1, 65_535), "The port to listen on.", 8000)
    trusted_proxies: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] | None = _setting(
        checks.networks,
        "Networks of the proxies whose `X-Forwarded-For` or `Forwarded` says who asks, with commas between them. "
        "Not set: none.",
        None,
    )
    metrics_listen_host: str | None = _setting(
        checks.private_address,
        "The loopback or private address on which Prometheus finds `/metrics`. Not set: no metrics.",
        None,
    )
    metrics_listen_port: int = _setting(
        checks.whole_number(1, 65_535), "The port of `/metrics`; of several workers each takes the next one.", 9464
    )
    client_requests_per_minute: int = _setting(
        checks.whole_number(1, _REQUESTS_LIMIT),
        "How often a minute one client may ask with its secret or tokens.",
        6_000,
    )
    organization_requests_per_minute: int = _setting(
        checks.whole_number(1, _REQUESTS_LIMIT),
        "How often a minute all machines of one organization may ask together, and beside them all its people.",
        30_000,
    )
    person_requests_per_minute: int = _setting(
        checks.whole_number(1, _REQUESTS_LIMIT),
        "How often a minute one person may ask, and beside that each browser that somebody has signed in with.",
        1_200,
    )
    network_requests_per_minute: int = _setting(
        checks.whole_number(1, _REQUESTS_LIMIT),
        "How often a minute one network may ask for what needs no proof, or without the proof that is needed.",
        3_000,
    )
    machine_token_lifetime_s: int = _setting(
        checks.whole_number(60, _LIFETIME_LIMIT_S), "How long a machine's token lives.", 86_400
    )
    person_token_lifetime_s: int = _setting(
        checks.whole_number(60, 86_400),
        "How long a person's access token lives; a refresh token gives the next one.",
        3_600,
    )
    session_idle_s: int = _setting(
        checks.whole_number(60, 86_400), "How long a person's session lasts without activity.", 3_600
    )
    session_lifetime_s: int = _setting(
        checks.whole_number(300, _LIFETIME_LIMIT_S), "How long a person's session lasts at most.", 86_400
    )
    password_memory_kib: int = _setting(
        checks.whole_number(7_168, 131_072),
        "The memory that hashing one password takes (Argon2id), in KiB.",
        19_456,
    )
    password_time_cost: int = _setting(
        checks.whole_number(1, 16), "How often hashing a password goes over that memory.", 2
    )
    password_parallelism: int = _setting(
        checks.whole_number(1, 8), "In how many lanes hashing a password goes over that memory.", 1
    )
    smtp_url: str | None = _setting(
        checks.smtp_url,
        "The mail server: `smtp://USER:PASSWORD@HOST:587`, encrypted by STARTTLS, or `smtps://…`. "
        "Not set: letters wait.",
        None,
        secret=True,
    )
    mail_from: str | None = _setting(
        checks.mail_from, "The sender of letters. Not set: `no-reply@` and the issuer's host.", None
    )
    outbound_networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] | None = _setting(
        checks.networks,
        "Private networks that may be called, with commas between them: back-channel logout, webhooks, the pharmacy "
        "network. Not set: none.",
        None,
    )
    pharmacy_network_url: str | None = _setting(
        checks.not_blank,
        "Where orders are sent, over https, or http to one of the private networks that may be called. "
        "Not set: they wait.",
        None,
    )
    pharmacy_network_secret: str | None = _setting(
        checks.network_secret,
        "What this server and the pharmacy network sign with; at least 32 characters. Set with the URL, or not at all.",
        None,
        secret=True,
    )
    audit_checkpoint_file: str | None = _setting(
        checks.not_blank,
        "A file outside the database to which signed checkpoints of the audit log are added. Not set: none.",
        None,
    )
    audit_retention_years: int = _setting(
        checks.whole_number(6, 100),
        "How long an entry of the audit log must be kept (45 CFR 164.316(b)(2)(i)); none is ever erased before.",
        6,
    )
    key_set_lifetime_s: int = _setting(
        checks.whole_number(1, 86_400),
        "How long clients may keep the key set, and so how early a key is published.",
        300,
    )
    key_rotation_days: int = _setting(
        checks.whole_number(0, 3_650),
        "After how many days the next signing key takes over by itself. 0: only by hand.",
        90,
    )
    pkcs11_library: str | None = _setting(
        checks.not_blank,
        "The PKCS #11 library of the security module that makes and keeps signing keys. "
        "Not set: they are sealed in the database.",
        None,
    )
    pkcs11_token: str | None = _setting(checks.not_blank, "The label of the token in the security module.", None)
    pkcs11_pin: str | None = _setting(
        checks.not_blank, "The user PIN of that token. The three are set together, or none is.", None, secret=True
    )
    staleness_bound_s: int = _setting(
        checks.whole_number(1, 60),
        "How long a process cut off from its database goes on accepting what could have been revoked.",
        10,
    )


@dataclass(frozen=True, slots=True)
class Description:
    """What the documentation says of a setting. default: as it is written, None if it must be set."""

    variable: str
    member: str
    default: str | None
    meaning: str


def read(environment: Mapping[str, str] = os.environ) -> Settings:
    """Reads the file that RXAUTH_SETTINGS_FILE names, if it names one, and then RXAUTH_* variables, which win.

    Raises:
        SettingsError: with every problem there is.
    """
    problems: list[str] = []
    given = _from_file(environment.get(FILE_VARIABLE), problems)
    for variable, value in environment.items():
        if variable.startswith(PREFIX) and variable != FILE_VARIABLE:
            _take(given, variable.removeprefix(PREFIX).lower(), value, variable, problems)
    return check({name: value for name, (value, _) in given.items()}, problems)


def are_traces_collected(environment: Mapping[str, str] = os.environ) -> bool:
    """Tells whether OpenTelemetry's own variables name somebody who collects traces."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporters = environment.get("OTEL_TRACES_EXPORTER", "otlp")
    endpoints = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    return exporters.strip() == "otlp" and any(environment.get(one) for one in endpoints)


def check(given: Mapping[str, Any], problems: list[str] | None = None) -> Settings:
    """Makes settings of values by member name.

    Raises:
        SettingsError: with every problem there is, those found before among them.
    """
    problems = [] if problems is None else problems
    values: dict[str, Any] = {}
    for member in fields(Settings):
        if member.name in given:
            try:
                values[member.name] = _checked(member.metadata["check"], given[member.name])
            except ValueError as error:
                problems.append(f"{variable_of(member.name)} {error}")
        elif member.metadata["default"] is _REQUIRED:
            problems.append(f"{variable_of(member.name)} is not set. {member.metadata['meaning']}")
        else:
            values[member.name] = member.metadata["default"]
    _check_together(values, problems)
    if problems:
        raise SettingsError(problems)
    return Settings(**values)


def _check_together(values: Mapping[str, Any], problems: list[str]) -> None:
    for together in _TOGETHER:
        given = [one for one in together if values.get(one) is not None]
        if given and all(one in values for one in together):
            problems += (
                f"{variable_of(one)} is not set, and {variable_of(given[0])} is: they belong together"
                for one in together
                if one not in given
            )


def _checked(check_value: Callable[[Any], Any], value: Any) -> Any:
    """Applies a setting's check to what the environment has as text, and a file as text or number."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ValueError("must be a text or a whole number")  # one kind of problem for all
    return check_value(str(value))


def variable_of(member: str) -> str:
    """Returns the name of the environment variable of a setting."""
    return PREFIX + member.upper()


def descriptions() -> list[Description]:
    """Describes every setting, in order."""
    return [
        Description(
            variable_of(member.name),
            member.name,
            None if member.metadata["default"] is _REQUIRED else str(member.metadata["default"] or "not set"),
            member.metadata["meaning"],
        )
        for member in fields(Settings)
    ]


def _from_file(path: str | None, problems: list[str]) -> dict[str, tuple[Any, str]]:
    given: dict[str, tuple[Any, str]] = {}
    if path is None:
        return given
    try:
        content = tomllib.loads(Path(path).read_text())
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.append(f"{FILE_VARIABLE}: {path} cannot be read: {error}")
        return given
    for name, value in content.items():
        _take(given, name, value, f"{name} in {path}", problems)
    return given


def _take(given: dict[str, tuple[Any, str]], name: str, value: Any, source: str, problems: list[str]) -> None:
    names = [member.name for member in fields(Settings)]
    if name not in names:
        near = difflib.get_close_matches(name, names, 1)
        written = variable_of(near[0]) if near and source.startswith(PREFIX) else "".join(near)
        problems.append(f"{source} is no setting." + (f" Did you mean {written}?" if near else ""))
    else:
        given[name] = (value, source)
