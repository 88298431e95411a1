"""How each setting is checked: a function takes what was written and returns the value, or says what it must be."""

import base64
import binascii
import ipaddress
from collections.abc import Callable
from email.utils import parseaddr
from typing import Any, Final
from urllib.parse import urlsplit

_SEALING_KEY_BYTES: Final = 32
_NETWORK_SECRET_CHARACTERS: Final = 32


def issuer(text: str) -> str:
    """Checks the URL that a server says it has."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be a URL like https://auth.example.com/")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("must be https, except on this machine itself")
    return text if text.endswith("/") else f"{text}/"


def audience(text: str) -> str:
    """Checks the name of an API."""
    parts = urlsplit(text)
    if not parts.scheme or "#" in text or not text.isascii() or " " in text:
        raise ValueError("must be an absolute URL without a fragment (RFC 8707)")
    return text


def database_url(text: str) -> str:
    """Checks where the data is kept."""
    from rxauth.storage.engines import UnsupportedDatabaseError, parse_url  # noqa: PLC0415  # late: it is slow to import

    try:
        parse_url(text)
    except UnsupportedDatabaseError as error:
        raise ValueError(str(error)) from None
    return text


def sealing_key(text: str) -> bytes:
    """Reads a sealing key."""
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _SEALING_KEY_BYTES:
        raise ValueError("must be 32 random bytes in base64: make one with `openssl rand -base64 32`")
    return key


def smtp_url(text: str) -> str:
    """Checks the URL of a mail server."""
    problem = "must be a URL like smtp://USER:PASSWORD@HOST:587 or smtps://USER:PASSWORD@HOST"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(problem) from None
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or port == 0 or parts.path not in {"", "/"}:
        raise ValueError(problem)
    if parts.query or parts.fragment or (parts.username is None) != (parts.password is None):
        raise ValueError(problem)
    return text


def mail_from(text: str) -> str:
    """Checks the sender of letters."""
    _, address = parseaddr(text)
    if not text.isprintable() or address.count("@") != 1 or " " in address or not all(address.split("@")):
        raise ValueError("must be like no-reply@example.com, or Alder Clinic <no-reply@example.com>")
    return text


def not_blank(text: str) -> str:
    """Checks that there is something."""
    if not text.strip():
        raise ValueError("must not be empty")
    return text


def network_secret(text: str) -> str:
    """Checks what is shared with the pharmacy network."""
    if len(text) < _NETWORK_SECRET_CHARACTERS or not text.isprintable() or " " in text:
        raise ValueError("must be 32 characters or more without a space: make one with `openssl rand -hex 32`")
    return text


def networks(text: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """Reads a list of networks."""
    try:
        return tuple(ipaddress.ip_network(one.strip()) for one in text.split(","))
    except ValueError:
        raise ValueError("must be networks like 10.1.0.0/16, with commas between them") from None


def private_address(text: str) -> str:
    """Checks an address that nobody reaches from outside."""
    try:
        address = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        raise ValueError("must be an IP address, like 127.0.0.1") from None
    if address.is_unspecified or not address.is_private:
        raise ValueError("must be a loopback or private address: what it shows is not for everybody")
    return str(address)


def whole_number(least: int, most: int) -> Callable[[Any], int]:
    """Returns a check of whole numbers."""

    def check(value: Any) -> int:
        try:
            number = int(str(value))
        except ValueError:
            raise ValueError(f"must be a whole number from {least} to {most}") from None
        if not least <= number <= most:
            raise ValueError(f"must be from {least} to {most}")
        return number

    return check


def is_loopback(host: str) -> bool:
    """Tells whether a host name or address is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
