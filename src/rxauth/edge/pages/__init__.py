"""What a person sees: pages, the files they use, and the pages that take a message elsewhere."""

from rxauth.edge.pages.assets import STATIC_PATH, static
from rxauth.edge.pages.deliveries import form_post, upstream_post, web_message
from rxauth.edge.pages.rendering import page

__all__ = ["STATIC_PATH", "form_post", "page", "static", "upstream_post", "web_message"]
