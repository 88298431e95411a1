"""For how long a key is published before it signs, and verifies after it signed: what verifiers and tokens need."""

from collections.abc import Sequence
from dataclasses import replace

from rxauth.crypto.jws import Signatory
from rxauth.domain.operator_acts import Removal, Rotation
from rxauth.oauth.server import Server
from rxauth.oauth.tokens import LEEWAY_S, LONGEST_LIFETIME_S


def rotation(
    made: Sequence[Signatory], sealing_key: bytes, *, key_set_s: int, staleness_bound_s: float, machine_token_s: int
) -> Rotation:
    """Returns a rotation to keys that were made for it.

    key_set_s: how long a verifier may keep the key set; staleness_bound_s: how long a process may serve an older one.
    machine_token_s: how long machines' tokens live.
    """
    published_for_s = key_set_s + int(staleness_bound_s)
    return Rotation(made, sealing_key, published_for_s, max(machine_token_s, LONGEST_LIFETIME_S) + LEEWAY_S)


def removal(
    key_ids: Sequence[str], made: Sequence[Signatory], sealing_key: bytes, *, key_set_s: int, staleness_bound_s: float
) -> Removal:
    """Returns a removal of keys, and the new keys that were made for it; see `rotation`."""
    return Removal(key_ids, made, sealing_key, key_set_s + int(staleness_bound_s))


def removal_of_server(server: Server, key_ids: Sequence[str], made: Sequence[Signatory]) -> Removal:
    """Returns a removal of some of a server's keys."""
    lifetimes, bound_s = server.lifetimes, server.feed.bound_s
    return removal(key_ids, made, server.sealing_key, key_set_s=lifetimes.key_set_s, staleness_bound_s=bound_s)


def of_server(server: Server, made: Sequence[Signatory], *, published_for_s: int = 0) -> Rotation:
    """Returns a rotation of a server's keys. published_for_s: if the next keys shall have been published for longer."""
    planned = rotation(
        made,
        server.sealing_key,
        key_set_s=server.lifetimes.key_set_s,
        staleness_bound_s=server.feed.bound_s,
        machine_token_s=server.lifetimes.machine_token_s,
    )
    return replace(planned, published_for_s=max(planned.published_for_s, published_for_s))
