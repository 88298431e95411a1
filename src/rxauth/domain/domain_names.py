"""Names of e-mail domains: how they are written (RFC 5890), and which of them an organization can have for itself."""

import re
from importlib.resources import files
from typing import Final

import idna
from publicsuffixlist import PublicSuffixList

from rxauth.domain.errors import InvalidError

_NAME: Final = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
_PLAIN: Final = re.compile(r"[a-z0-9.-]+")
# Where anybody gets an address. They answer for their DNS, and nobody's people are theirs.
_PUBLIC_MAIL: Final = files("rxauth.domain") / "public_mail_domains.txt"


def domain_of(email: str) -> str | None:
    """Returns the domain of an address as DNS has it; None: it has none that could be."""
    return _read(email.strip().rpartition("@")[2]) if "@" in email else None


def require_own(name: str) -> str:
    """Returns the domain that somebody typed, as DNS has it, if an organization can have it for itself.

    Raises:
        InvalidError: it is none, or anybody can get an address or a domain in it.
    """
    domain = _read(name.strip().removeprefix("@"))
    if domain is None:
        raise InvalidError("a domain is what stands behind the @ of addresses, such as clinic.example", "name")
    if domain in _PUBLIC_MAIL.read_text().split():
        raise InvalidError(f"anybody can get an address at {domain}: add a domain of your own", "name")
    if PublicSuffixList().privatesuffix(domain) is None:
        raise InvalidError(f"anybody can get a domain below {domain}: add a domain of your own", "name")
    return domain


def in_words(name: str) -> str:
    """Returns a domain as people write it."""
    try:
        return idna.decode(name)
    except idna.IDNAError:
        return name


def _read(text: str) -> str | None:
    name = text.lower().removesuffix(".")
    if _PLAIN.fullmatch(name) is None:
        try:
            name = idna.encode(name, uts46=True).decode()
        except idna.IDNAError:
            return None
    return name if _NAME.fullmatch(name) is not None else None
