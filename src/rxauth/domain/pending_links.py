"""Identities that wait, within a sign-in, until the person whom they are to be linked to proves itself."""

from dataclasses import dataclass, field
from typing import Final

import msgspec

from rxauth.crypto.sealing import seal, unseal
from rxauth.domain import sign_ins
from rxauth.domain.sign_ins import SignIn
from rxauth.domain.upstream_identities import UpstreamIdentity
from rxauth.storage.database import Transaction

_PURPOSE: Final = "pending link"


@dataclass(frozen=True, slots=True)
class Link:
    """An identity that a provider vouched for, and whose it is, or has to prove to be."""

    user_id: str
    identity: UpstreamIdentity = field(repr=False)


def keep(transaction: Transaction, sign_in_id: str, link: Link, sealing_key: bytes) -> None:
    """Keeps a link until the person has proved itself in this sign-in."""
    sealed = seal(msgspec.json.encode(link), sealing_key, f"{_PURPOSE} {sign_in_id}")
    sign_ins.hold(transaction, sign_in_id, sealed)


def of(sign_in: SignIn, sealing_key: bytes) -> Link | None:
    """Returns the link that waits in a sign-in; None: none does, or the person is signed in already."""
    if sign_in.sealed_upstream is None or sign_in.is_authenticated:
        return None
    return msgspec.json.decode(unseal(sign_in.sealed_upstream, sealing_key, f"{_PURPOSE} {sign_in.id}"), type=Link)
