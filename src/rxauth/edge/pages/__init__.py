"""What a person sees: pages, the files they use, and the two pages that take an answer to a client."""

from rxauth.edge.pages.assets import STATIC_PATH, static
from rxauth.edge.pages.deliveries import form_post, web_message
from rxauth.edge.pages.rendering import page

__all__ = ["STATIC_PATH", "form_post", "page", "static", "web_message"]
