"""Templates to pages: everything is escaped, and a value that a template needs and does not get is an error."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from rxauth.edge.pages import assets, protection, wording
from rxauth.edge.responses import Answer

Values = Mapping[str, Any]

# What most pages have no use for, so that who shows one need not say so.
_ABSENT: Final = MappingProxyType(
    {
        "error": None,
        "notice": None,
        "is_for_client": False,
        "is_harmless": False,
        "password_minimum": 15,
        "branding": None,
    }
)
# The field that an error is about on pages that ask for one thing only.
_AT_FAULT: Final = MappingProxyType(
    {
        "login.html": "password",
        "second_factor.html": "code",
        "set_up_factor.html": "code",
        "reset_ask.html": "email",
        "reset.html": "password",
    }
)
# Pages that somebody may see and come back from in the middle of a client's sign-in.
_BESIDE_THE_WAY: Final = frozenset({"error.html", "sso_failed.html", "leave.html", "reset_ask.html", "reset_sent.html"})
_NO_VALUES: Final[Values] = MappingProxyType({})


def page(
    name: str,
    values: Values = _NO_VALUES,
    *,
    status: int = 200,
    form_target: str | None = None,
    headers: Sequence[protection.Header] = (),
) -> Answer:
    """Returns a page made from a template (`login.html`), whose first lines say which values it needs.

    error: a sentence for the summary on top, which gets the focus, and for beside the field named by error_field
    (None: it is about none). notice: a sentence that says what was just done. password_minimum: how many characters a
    new password must have. form_target: the origin of a client that the answer to the page's form may send the browser
    back to; a page that is no step of a client's sign-in has none.
    """
    body = render(name, {**_ABSENT, "error_field": _AT_FAULT.get(name), **values})
    protecting = protection.of_page(form_target, has_opener=form_target is not None or name in _BESIDE_THE_WAY)
    return Answer(status, body, [*protecting, *headers])


def render(name: str, values: Values) -> bytes:
    """Returns a template filled in."""
    return _ENVIRONMENT.get_template(name).render(values).encode()


def _as_json(value: Any) -> str:
    """Returns JSON in ASCII; text is taken for JSON already."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["asset"] = assets.url_of
    environment.filters["as_json"] = _as_json
    environment.filters["short"] = wording.short
    environment.filters["seconds"] = wording.seconds
    environment.filters["plain"] = wording.plain
    environment.filters["calendar"] = wording.calendar
    environment.filters["day"] = wording.day
    environment.filters["full_moment"] = wording.full_moment
    environment.filters["machine_moment"] = wording.machine_moment
    environment.filters["ago"] = wording.ago
    environment.filters["device"] = wording.device
    environment.filters["in_fours"] = wording.in_fours
    return environment


_ENVIRONMENT: Final = _environment()
