"""The headers that keep a page to itself: what it may load, where its forms may go, and who may frame it."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

Header = tuple[bytes, bytes]

_OWN: Final = "'self'"
_NOBODY: Final = "'none'"
_PERMITTED: Final = (
    b"camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=(), "
    b"clipboard-write=(self), publickey-credentials-create=(self), publickey-credentials-get=(self)"
)
_EVERYWHERE: Final[tuple[Header, ...]] = (
    (b"content-type", b"text/html; charset=utf-8"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"permissions-policy", _PERMITTED),
)
_NOT_FRAMED: Final = (b"x-frame-options", b"DENY")  # for browsers that do not read frame-ancestors
_OWN_WINDOW: Final = (b"cross-origin-opener-policy", b"same-origin")


def of_page(form_target: str | None, *, has_opener: bool) -> list[Header]:
    """Returns the headers of a page.

    form_target: the origin that the answer to the page's form may send the browser on to; None: none but our own.
    has_opener: whether the page keeps the window that opened it. A step of a client's sign-in does, and what is beside
    its way: a client that opened it in a window of its own waits there for the answer.
    """
    targets = [_OWN] if form_target is None else [_OWN, _source(form_target)]
    policy = _policy(style=_OWN, script=_OWN, image=_OWN, connect=_OWN, form=" ".join(targets), ancestors=_NOBODY)
    return [*_EVERYWHERE, policy, _NOT_FRAMED, *([] if has_opener else [_OWN_WINDOW])]


def of_web_message(nonce: str, framed_by: str) -> list[Header]:
    """Returns the headers of the answer that one origin may frame, and whose one script has a nonce."""
    return [*_EVERYWHERE, _policy(script=f"'nonce-{nonce}'", form=_NOBODY, ancestors=_source(framed_by))]


def of_form_post(nonce: str, url: str) -> list[Header]:
    """Returns the headers of the answer whose form a nonce's script sends to the origin of a URL."""
    policy = _policy(style=_OWN, script=f"'nonce-{nonce}'", image=_OWN, form=_source(url), ancestors=_NOBODY)
    return [*_EVERYWHERE, policy, _NOT_FRAMED]


def _policy(
    *, script: str, form: str, ancestors: str, style: str = _NOBODY, image: str = _NOBODY, connect: str = _NOBODY
) -> Header:
    directives: Sequence[str] = (
        "default-src 'none'",
        f"script-src {script}",
        f"style-src {style}",
        f"img-src {image}",
        f"connect-src {connect}",
        f"form-action {form}",
        f"frame-ancestors {ancestors}",
        "base-uri 'none'",
    )
    return b"content-security-policy", "; ".join(directives).encode("ascii")


def _source(url: str) -> str:
    """Returns a URL's origin as a policy names it (CSP Level 3 §2.3.1).

    What that grammar cannot name, an application's own scheme or an address in IPv6, is named by its scheme alone.
    """
    parts = urlsplit(url)
    if not parts.netloc or "[" in parts.netloc:
        return f"{parts.scheme}:"
    return f"{parts.scheme}://{parts.netloc}"
