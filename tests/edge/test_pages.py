"""Pages: what protects them, that nothing in them is markup but ours, and the two that answer a client."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from rxauth.edge import pages
from rxauth.edge.pages import assets, wording
from rxauth.edge.responses import Answer
from tests.edge.page_sample import CLIENT_ORIGIN, FORM, NOW, Sample
from tests.edge.page_samples import FIREFOX, LETTER, LOGIN, PROFILE, SAFARI, SAMPLES
from tests.live import Live

FOLDER = Path(pages.__file__).parent
FRAMES = {
    "base.html",
    "parts.html",
    "provider_parts.html",
    "catalog_parts.html",
    "frame.html",
    "machine_parts.html",
    "settings_app_parts.html",
    "settings_domain_parts.html",
    "settings_connection_parts.html",
    "settings_webhook_parts.html",
    "account.html",
    "settings.html",
    "settings_activity_records.html",
    "web_message.html",
    "form_post.html",
    "upstream_post.html",
}
IDS = [sample.name for sample in SAMPLES]
PAGE_LIMIT_BYTES = 50_000
SHEET_LIMIT_BYTES = 15_000
HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>"
RIGHT_TO_LEFT = "מרפאת ארז"
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
ascii_texts = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=20)


class Elements(HTMLParser):
    """Everything that a browser would make of a page: its elements with their attributes."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(body.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes an element."""
        assert len({name for name, _ in attrs}) == len(attrs), f"{tag} has an attribute twice"
        self.found.append((tag, dict(attrs)))

    def named(self, tag: str) -> list[dict[str, str | None]]:
        """Lists the attributes of each element of a kind."""
        return [attributes for name, attributes in self.found if name == tag]

    def tags(self) -> list[str]:
        """Lists the elements' kinds, in order."""
        return [tag for tag, _ in self.found]


def headers(answer: Answer) -> dict[str, str]:
    """Returns the headers, none of which may be there twice."""
    assert len(dict(answer.headers)) == len(answer.headers)
    return {name.decode(): value.decode() for name, value in answer.headers}


def policy(answer: Answer) -> dict[str, str]:
    """Returns the directives of the Content-Security-Policy."""
    directives = headers(answer)["content-security-policy"].split("; ")
    return {directive.partition(" ")[0]: directive.partition(" ")[2] for directive in directives}


def test_every_template_has_a_sample() -> None:
    templates = {path.name for path in (FOLDER / "templates").iterdir()}
    assert templates - FRAMES == {sample.template for sample in SAMPLES}


@pytest.mark.parametrize("sample", SAMPLES, ids=IDS)
def test_a_page_is_neither_framed_kept_nor_sniffed_and_loads_only_its_own(sample: Sample) -> None:
    answer = sample.page()
    given = headers(answer)
    assert given["x-frame-options"] == "DENY"
    assert given["x-content-type-options"] == "nosniff"
    assert given["referrer-policy"] == "no-referrer"
    assert given["cache-control"] == "no-store"
    assert given["content-type"] == "text/html; charset=utf-8"
    assert policy(answer) == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "connect-src": "'self'",
        "form-action": "'self'" if sample.target is None else f"'self' {CLIENT_ORIGIN}",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }


@pytest.mark.parametrize("sample", SAMPLES, ids=IDS)
def test_a_page_has_no_inline_script_or_style_and_no_foreign_resource(sample: Sample) -> None:
    elements = Elements(sample.page().body)
    assert "style" not in elements.tags()
    for tag, attributes in elements.found:
        assert not [name for name in attributes if name == "style" or name.startswith("on")], tag
    loaded = [one["src"] for tag in ("script", "img") for one in elements.named(tag)]
    loaded += [link["href"] for link in elements.named("link")]
    assert all(str(url).startswith(("/static/", "/branding/")) for url in loaded)


@pytest.mark.parametrize("sample", SAMPLES, ids=IDS)
def test_every_form_posts_with_the_token_of_its_form(sample: Sample) -> None:
    body = sample.page().body.decode()
    for form in re.findall(r"<form.*?</form>", body, re.DOTALL):
        is_search = 'method="get"' in form  # it changes nothing, and its fields stand in the URL
        assert is_search or f'method="post" action="{sample.values["action"]}"' in form
        assert (f'<input type="hidden" name="csrf" value="{FORM["csrf"]}">' in form) is not is_search


@pytest.mark.parametrize("sample", SAMPLES, ids=IDS)
def test_a_page_and_its_files_are_small(sample: Sample) -> None:
    answer = sample.page()
    names = re.findall(r'"/static/([^"]+)"', answer.body.decode())
    assert len(answer.body) + sum(len(assets.file(name).body) for name in names) < PAGE_LIMIT_BYTES


def test_a_title_is_plain_text() -> None:
    titles = {sample.name: sample.page().body.decode().partition("</title>")[0] for sample in SAMPLES}
    assert [name for name, title in titles.items() if "&lt;" in title] == []


def test_the_stylesheet_is_small() -> None:
    assert len((FOLDER / "static" / "style.css").read_bytes()) < SHEET_LIMIT_BYTES


def poisoned(value: Any, key: str = "") -> Any:
    """Returns values whose every text ends in an attack; which page or method is shown stays, and codes and days do."""
    if isinstance(value, dict):
        return {name: poisoned(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [poisoned(one, key) for one in value]
    is_text = isinstance(value, str) and key not in KEPT and not CODE.fullmatch(value)
    return f"{value} {HOSTILE}" if is_text else value


MOVING = frozenset({"autofocus"})  # goes to the first field that is empty
# A member of an enumeration, or a day or moment: nobody types them.
CODE = re.compile(r"[A-Z]+(_[A-Z]+)*|\d{4}-\d{2}-\d{2}(T[\d:.]+Z)?")
KEPT = frozenset(
    {
        "qr_svg",
        "tab",
        "chosen",
        "methods",
        "first_factor",
        "only",
        "scopes",
        "error_field",
        "appType",
        "app_type",
        "role",
        "provider",
        "everybody",
        "ticked",
    }
)


@pytest.mark.parametrize("sample", SAMPLES, ids=IDS)
def test_a_text_with_markup_in_it_stays_a_text_wherever_it_stands(sample: Sample) -> None:
    clean, attacked = Elements(sample.page().body), Elements(sample.page(**poisoned(sample.values)).body)
    assert attacked.tags() == clean.tags()
    known = [set(attributes) - MOVING for _, attributes in clean.found]
    assert [set(attributes) - MOVING for _, attributes in attacked.found] == known


def test_the_text_of_an_email_links_to_web_pages_only() -> None:
    text = "javascript:alert(1) data:text/html,x http://localhost:8000/invite/a?b=1&c=2 <a href='http://evil.example'>"
    answer = pages.page("mails.html", {"letters": [LETTER | {"text": text}]})
    hrefs = [str(link["href"]) for link in Elements(answer.body).named("a")]
    assert hrefs[0] == "http://localhost:8000/invite/a?b=1&c=2"
    assert all(href.startswith("http://") for href in hrefs)


def test_what_was_typed_stays_whole_however_long_it_is() -> None:
    typed = "A" * 10_000
    answer = pages.page("account_profile.html", PROFILE | {"there": PROFILE["there"] | {"first_name": typed}})
    assert {"value": typed}.items() <= next(one for one in _inputs(answer) if one["name"] == "first_name").items()


def test_a_name_of_ten_thousand_characters_leaves_room_for_the_rest() -> None:
    shown = {"name": "W" * 10_000, "logo_url": None, "accent_url": None}
    body = pages.page("login.html", LOGIN | {"client_name": "W" * 10_000, "branding": shown}).body
    assert len(body) < 4_000


def test_a_name_that_runs_from_right_to_left_is_kept_apart_from_its_sentence() -> None:
    body = pages.page("login.html", LOGIN | {"client_name": RIGHT_TO_LEFT}).body.decode()
    assert f"Log in to continue to <bdi>{RIGHT_TO_LEFT}</bdi>" in body


def test_an_error_has_the_focus_stands_beside_its_field_and_leaves_what_was_typed() -> None:
    answer = pages.page("login.html", LOGIN | {"email": "maya@alder.example", "error": "They do not belong together."})
    elements = Elements(answer.body)
    assert [attributes["role"] for _, attributes in elements.found if "autofocus" in attributes] == ["alert"]
    email, password = (one for one in _inputs(answer) if one["name"] in {"email", "password"})
    assert email["value"] == "maya@alder.example"
    assert password["value"] == ""
    assert password["aria-invalid"] == "true"
    assert password["aria-describedby"] == "password-problem"
    assert answer.body.decode().count("They do not belong together.") == 2


def test_a_value_that_a_template_needs_must_be_given() -> None:
    with pytest.raises(UndefinedError, match="client_name"):
        pages.page("login.html", FORM)


@pytest.mark.parametrize("sample", SAMPLES, ids=IDS)
def test_a_step_of_a_sign_in_keeps_the_window_that_opened_it_and_others_have_theirs_to_themselves(
    sample: Sample,
) -> None:
    beside = {"error.html", "leave.html", "reset_ask.html", "reset_sent.html", "sso_failed.html"}
    is_on_the_way = sample.target is not None or sample.template in beside
    expected = None if is_on_the_way else "same-origin"
    assert headers(sample.page()).get("cross-origin-opener-policy") == expected


@pytest.mark.parametrize(
    ("target", "source"),
    [
        ("https://app.example.com", "https://app.example.com"),
        ("http://127.0.0.1:5173", "http://127.0.0.1:5173"),
        ("http://[::1]:5173", "http:"),
        ("com.example.app:", "com.example.app:"),
    ],
)
def test_a_form_may_lead_back_to_the_client_alone(target: str, source: str) -> None:
    assert policy(pages.page("login.html", LOGIN, form_target=target))["form-action"] == f"'self' {source}"


@given(payload=st.dictionaries(texts, texts, max_size=4))
def test_nothing_in_a_response_breaks_out_of_a_web_message(payload: dict[str, str]) -> None:
    answer = pages.web_message(payload, CLIENT_ORIGIN)
    elements = Elements(answer.body)
    assert elements.tags() == ["html", "head", "meta", "title", "body", "script"]
    (body,) = elements.named("body")
    assert set(body) == {"data-message", "data-origin"}
    message = json.loads(str(body["data-message"]))
    assert message == {"type": "authorization_response", "response": payload}
    assert body["data-origin"] == CLIENT_ORIGIN
    assert set(elements.named("script")[0]) == {"nonce"}


def test_a_web_message_is_framed_by_its_client_alone_and_its_script_has_a_nonce_of_its_own() -> None:
    answers = [pages.web_message({"code": "c"}, CLIENT_ORIGIN) for _ in range(2)]
    nonces = [str(Elements(answer.body).named("script")[0]["nonce"]) for answer in answers]
    assert nonces[0] != nonces[1]
    for answer, nonce in zip(answers, nonces, strict=True):
        assert "x-frame-options" not in headers(answer)
        assert headers(answer)["cache-control"] == "no-store"
        assert policy(answer)["frame-ancestors"] == CLIENT_ORIGIN
        assert policy(answer)["script-src"] == f"'nonce-{nonce}'"
        assert policy(answer)["form-action"] == policy(answer)["default-src"] == "'none'"


@given(payload=st.dictionaries(ascii_texts, texts, max_size=4))
def test_nothing_in_a_response_breaks_out_of_a_form_post(payload: dict[str, str]) -> None:
    answer = pages.form_post(f"{CLIENT_ORIGIN}/callback?a=1", payload)
    elements = Elements(answer.body)
    (form,) = elements.named("form")
    assert form == {"method": "post", "action": f"{CLIENT_ORIGIN}/callback?a=1"}
    assert {str(one["name"]): one["value"] for one in _inputs(answer)} == payload
    assert policy(answer)["form-action"] == CLIENT_ORIGIN
    assert policy(answer)["frame-ancestors"] == "'none'"


def test_a_page_carries_the_headers_that_it_is_given() -> None:
    cookie = (b"set-cookie", b"a=b")
    for answer in (
        pages.page("reset_sent.html", {"email": "a@b.example"}, status=422, headers=[cookie]),
        pages.web_message({}, CLIENT_ORIGIN, headers=[cookie]),
        pages.form_post(CLIENT_ORIGIN, {}, headers=[cookie]),
    ):
        assert cookie in answer.headers


def test_a_file_may_be_kept_for_good_under_the_name_of_its_content(sqlite_live: Live) -> None:
    body = pages.page("login.html", LOGIN).body.decode()
    urls = re.findall(r'"(/static/[^"]+)"', body)
    assert {re.sub(r"\.[0-9a-f]{12}", "", url) for url in urls} == {
        "/static/icon.svg",
        "/static/style.css",
        "/static/page.js",
        "/static/passkeys.js",
    }
    for url in urls:
        answer = sqlite_live.http.get(url)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", ["style.css", "..%2fassets.py", "style.000000000000.css", "..%2f..%2f..%2fapp.py"])
def test_nothing_but_the_files_of_pages_is_served(sqlite_live: Live, name: str) -> None:
    assert sqlite_live.http.get(f"/static/{name}").status_code == 404


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-5, "just now"), (59, "just now"), (60, "1 minute ago"), (7_300, "2 hours ago"), (86_400, "1 day ago")],
)
def test_a_moment_is_said_as_people_say_it(seconds: int, said: str) -> None:
    assert wording.ago(NOW - seconds, NOW) == said


def test_a_moment_of_the_api_is_read() -> None:
    assert wording.seconds("2026-11-23T12:00:00.999Z") == NOW


@pytest.mark.parametrize(
    ("user_agent", "said"),
    [
        (FIREFOX, "Firefox on Windows"),
        (SAFARI, "Safari on iPhone"),
        ("curl/8.1", "Unknown device"),
        ("", "Unknown device"),
    ],
)
def test_a_device_is_named_as_people_know_it(user_agent: str, said: str) -> None:
    assert wording.device(user_agent) == said


def _inputs(answer: Answer) -> list[dict[str, str | None]]:
    return Elements(answer.body).named("input")


@pytest.mark.parametrize(
    ("days", "shown"),
    [(-11, (0, 0)), (-10, (2, 0)), (20, (0, 1))],
    ids=["30.5 days before", "29.5 days before", "over"],
)
def test_a_certificate_of_a_connection_is_marked_for_its_last_30_days(days: int, shown: tuple[int, int]) -> None:
    [sample] = [one for one in SAMPLES if one.name == "settings-connection-off"]
    text = sample.page(now=NOW + days * 86_400).body.decode()
    assert (text.count(">ends soon<"), text.count(">over<")) == shown
    assert ("Signing in goes on working after that." in text) == (days > -11)
