"""What a sign-in waits for when no client asks: a page of our own that wants to know who is there."""

import base64

import msgspec
from msgspec.structs import replace

from rxauth.crypto import sealing

AGAIN = "again"  # the parameter by which a page finds what was typed
_PURPOSE = "link of a page request"


class PageRequest(msgspec.Struct, frozen=True, omit_defaults=True, tag="page"):
    """A page of this server. max_age_s None: a session of any age will do.

    sealed_link: what a link in a letter held, sealed, because it opens something; None: there is none. acr: how surely
    one must know who is there; None: it does not matter. of_organization: the page shows one organization.
    chooses_organization: the person wants to say anew which. sealed_form: what somebody typed there before the sign-in
    came between. own: the person must have proven itself here, not only to an organization's identity provider.
    """

    path: str
    max_age_s: int | None = None
    sealed_link: str | None = None
    acr: str | None = None
    of_organization: bool = False
    chooses_organization: bool = False
    sealed_form: str | None = None
    own: bool = False

    def __repr__(self) -> str:
        """Leaves out the link."""
        return f"PageRequest({self.path!r})"


def with_link(path: str, link: str, sealing_key: bytes) -> PageRequest:
    """Returns the request for a page behind a link in a letter."""
    return PageRequest(path, None, base64.b64encode(sealing.seal(link.encode(), sealing_key, _PURPOSE)).decode())


def resumed(request: PageRequest, sign_in_id: str) -> PageRequest:
    """Returns the request of a sign-in that is over: if something was typed before, its page is told where that is."""
    return request if request.sealed_form is None else replace(request, path=f"{request.path}?{AGAIN}={sign_in_id}")


def location(request: PageRequest, sealing_key: bytes) -> str:
    """Returns where the sign-in leads."""
    if request.sealed_link is None:
        return request.path
    link = sealing.unseal(base64.b64decode(request.sealed_link), sealing_key, _PURPOSE).decode()
    return f"{request.path}{'&' if '?' in request.path else '?'}token={link}"
