"""A small browser for pages without scripts: it keeps cookies, follows redirects of the server, and fills in forms."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from tests.live import http_client


@dataclass
class Form:
    """A form of a page: where it goes, and what it would send as it stands. buttons: name and value of each."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self.headings: list[str] = []
        self._in_heading = False
        self._area: str | None = None
        self._choice: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes forms, their fields and buttons, and headings."""
        given = {name: value or "" for name, value in attrs}
        self._in_heading = self._in_heading or tag == "h1"
        if tag == "form":
            self.found.append(Form(given.get("action", "")))
        elif self.found and tag == "input" and given.get("name"):
            kind = given.get("type", "text")
            if kind not in {"radio", "checkbox"} or "checked" in given:
                self.found[-1].fields[given["name"]] = given.get("value", "")
        elif self.found and tag == "textarea":
            self._area = given["name"]
            self.found[-1].fields[self._area] = ""
        elif self.found and tag == "select":
            self._choice = given["name"]
        elif self.found and tag == "option" and self._choice is not None:
            if "selected" in given or self._choice not in self.found[-1].fields:
                self.found[-1].fields[self._choice] = given.get("value", "")
        elif self.found and tag == "button" and given.get("name"):
            self.found[-1].buttons.append((given["name"], given.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        """Notes the end of a heading, and of a field that has its text inside."""
        if tag == "h1":
            self._in_heading = False
        elif tag == "textarea" and self._area is not None:
            # A newline right after the tag is no part of the text (the HTML standard §13.1.2.5).
            self.found[-1].fields[self._area] = self.found[-1].fields[self._area].removeprefix("\n")
            self._area = None
        elif tag == "select":
            self._choice = None

    def handle_data(self, data: str) -> None:
        """Collects the text of headings and of fields."""
        if self._in_heading:
            self.headings.append(data.strip())
        if self._area is not None:
            self.found[-1].fields[self._area] += data


class Browser:
    """One browser of one person, on one server; python's own cookie jars do not send __Host- over http."""

    def __init__(self, url: str, issuer: str) -> None:
        self.url = url
        self.issuer = issuer.rstrip("/")
        self.cookies: dict[str, str] = {}
        self.http = http_client(timeout=30, trust_env=False)
        self.page: httpx.Response

    def close(self) -> None:
        """Closes its connections."""
        self.http.close()

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Sends one request and takes the cookies of its answer; follows nothing."""
        headers = {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        target = path.removeprefix(self.issuer)
        answer = self.http.request(method, self.url + target, headers=headers | options.pop("headers", {}), **options)
        for header in answer.headers.get_list("set-cookie"):
            for name, morsel in SimpleCookie(header).items():
                self.cookies[name] = morsel.value
                if morsel["max-age"] == "0":
                    del self.cookies[name]
        self.page = answer
        return answer

    def open(self, path: str, **options: Any) -> httpx.Response:
        """Opens a page and follows redirects as long as they stay on the server."""
        return self._follow(self.send("GET", path, **options))

    def submit(self, form: int = 0, press: str | None = None, files: Any = None, **fields: str) -> httpx.Response:
        """Fills in a form of the page and sends it.

        press: the value of the button, the first if None. files: by field, each its name and content.
        """
        one = self.forms()[form]
        button = next((each for each in one.buttons if press in {None, each[1]}), None)
        data = one.fields | ({} if button is None else dict([button])) | fields
        target = urlsplit(urljoin(str(self.page.url), one.action))
        return self._follow(
            self.send("POST", f"{target.path}?{target.query}" if target.query else target.path, data=data, files=files)
        )

    def forms(self) -> list[Form]:
        """Lists the forms of the page."""
        return self._parsed().found

    def heading(self) -> str:
        """Returns the page's heading."""
        return " ".join(part for part in self._parsed().headings if part)

    def _parsed(self) -> _Forms:
        parser = _Forms()
        parser.feed(self.page.text)
        return parser

    def _follow(self, answer: httpx.Response) -> httpx.Response:
        while answer.is_redirect:
            location = answer.headers["location"]
            if not location.startswith("/") and not location.startswith(self.issuer + "/"):
                return answer
            answer = self.send("GET", location)
        return answer


def form_with(browser: Browser, act: str) -> int:
    """Returns which form of a browser's page does something: by its field `act`, or by a button of that name."""

    def does(one: Form) -> bool:
        return one.fields.get("act") == act or ("act", act) in one.buttons

    return next(number for number, one in enumerate(browser.forms()) if does(one))
