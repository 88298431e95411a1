"""What a sign-in waits for when no client asks: a page of our own that wants to know who is there."""

import base64

import msgspec

from rxauth.crypto import sealing

_PURPOSE = "link of a page request"


class PageRequest(msgspec.Struct, frozen=True, omit_defaults=True, tag="page"):
    """A page of this server. max_age_s None: a session of any age will do.

    sealed_link: what a link in a letter held, sealed, because it opens something; None: there is none. acr: how surely
    one must know who is there; None: it does not matter. of_organization: the page shows one organization.
    chooses_organization: the person wants to say anew which.
    """

    path: str
    max_age_s: int | None = None
    sealed_link: str | None = None
    acr: str | None = None
    of_organization: bool = False
    chooses_organization: bool = False

    def __repr__(self) -> str:
        """Leaves out the link."""
        return f"PageRequest({self.path!r})"


def with_link(path: str, link: str, sealing_key: bytes) -> PageRequest:
    """Returns the request for a page behind a link in a letter."""
    return PageRequest(path, None, base64.b64encode(sealing.seal(link.encode(), sealing_key, _PURPOSE)).decode())


def location(request: PageRequest, sealing_key: bytes) -> str:
    """Returns where the sign-in leads."""
    if request.sealed_link is None:
        return request.path
    link = sealing.unseal(base64.b64decode(request.sealed_link), sealing_key, _PURPOSE).decode()
    return f"{request.path}{'&' if '?' in request.path else '?'}token={link}"
