"""A-20: no page of this server can be framed, sniffed, or made to say where its reader came from."""

from rxauth.edge.routes import table
from tests.live import Live

PROTECTED = {
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
# What a page may never allow, whichever it is.
LOOSE = ("unsafe-inline", "unsafe-eval", "*", "data:", "http:")


def urls(live: Live) -> list[str]:
    """Lists a URL for each route, with something in the place of each of its parts."""
    return [route.path.replace("{", "").replace("}", "") for route in table(live.edge)]


def test_no_page_that_can_be_reached_is_framed(sqlite_live: Live) -> None:
    pages = {}
    for url in urls(sqlite_live):
        for answer in (sqlite_live.http.get(url), sqlite_live.http.post(url, data={"act": "x"})):
            if answer.headers.get("content-type", "").startswith("text/html"):
                pages[f"{answer.request.method} {url}"] = answer
    assert {"GET /authorize", "POST /authorize", "GET /sign-in/sign_in_id", "POST /sign-in/sign_in_id"} <= pages.keys()
    for what, answer in pages.items():
        assert {name: answer.headers.get(name) for name in PROTECTED} == PROTECTED, what
        policy = answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy, what
        assert "default-src 'none'" in policy, what
        assert not [text for text in LOOSE if text in policy], what
