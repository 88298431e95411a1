"""What a sign-in waits for when no client asks: a page of our own that wants to know who is there."""

import msgspec


class PageRequest(msgspec.Struct, frozen=True, omit_defaults=True, tag="page"):
    """A page of this server. max_age_s None: a session of any age will do."""

    path: str
    max_age_s: int | None = None
