"""For how long a key is published before it signs, and verifies after it signed: what verifiers and tokens need."""

from collections.abc import Sequence
from dataclasses import replace

from rxauth.crypto.jws import SigningKey
from rxauth.domain.operator_acts import Rotation
from rxauth.oauth.server import Server
from rxauth.oauth.tokens import LEEWAY_S, LONGEST_LIFETIME_S


def rotation(
    made: Sequence[SigningKey], sealing_key: bytes, *, key_set_s: int, staleness_bound_s: float, machine_token_s: int
) -> Rotation:
    """Returns a rotation to keys that were made for it.

    key_set_s: how long a verifier may keep the key set; staleness_bound_s: how long a process may serve an older one.
    machine_token_s: how long machines' tokens live.
    """
    published_for_s = key_set_s + int(staleness_bound_s)
    return Rotation(made, sealing_key, published_for_s, max(machine_token_s, LONGEST_LIFETIME_S) + LEEWAY_S)


def of_server(server: Server, made: Sequence[SigningKey], *, published_for_s: int = 0) -> Rotation:
    """Returns a rotation of a server's keys. published_for_s: if the next keys shall have been published for longer."""
    planned = rotation(
        made,
        server.sealing_key,
        key_set_s=server.lifetimes.key_set_s,
        staleness_bound_s=server.feed.bound_s,
        machine_token_s=server.lifetimes.machine_token_s,
    )
    return replace(planned, published_for_s=max(planned.published_for_s, published_for_s))
