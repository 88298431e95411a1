"""Pages that take a message elsewhere: to a client by its window or in a form that sends itself, or to a provider.

What they carry stands in attributes, where escaping HTML is all that it takes, and never in the script's text.
"""

import secrets
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from rxauth.edge.pages import protection
from rxauth.edge.pages.rendering import render
from rxauth.edge.responses import Answer


def web_message(payload: Mapping[str, str], target_origin: str, *, headers: Sequence[protection.Header] = ()) -> Answer:
    """Posts a response to the window that framed or opened this one, if that window is of `target_origin`."""
    nonce = secrets.token_urlsafe(16)
    message = {"type": "authorization_response", "response": dict(payload)}
    body = render("web_message.html", {"message": message, "target_origin": target_origin, "nonce": nonce})
    return Answer(200, body, [*protection.of_web_message(nonce, target_origin), *headers])


def upstream_post(url: str, payload: Mapping[str, str]) -> Answer:
    """Takes a browser to an identity provider with a form that sends itself; a button helps out."""
    nonce = secrets.token_urlsafe(16)
    values = {"url": url, "host": urlsplit(url).hostname, "fields": dict(payload), "nonce": nonce}
    return Answer(200, render("upstream_post.html", values), protection.of_form_post(nonce, url))


def form_post(url: str, payload: Mapping[str, str], *, headers: Sequence[protection.Header] = ()) -> Answer:
    """Sends a response to a registered URL as a form (OAuth 2.0 Form Post Response Mode); a button helps out."""
    nonce = secrets.token_urlsafe(16)
    body = render("form_post.html", {"url": url, "fields": dict(payload), "nonce": nonce})
    return Answer(200, body, [*protection.of_form_post(nonce, url), *headers])
