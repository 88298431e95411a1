"""What descriptions of operations are put together from (OpenAPI 3.1): headers, answers, and the errors' classes."""

import inspect
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rxauth.edge.errors import BodyTimeoutError, BodyTooLargeError
from rxauth.oauth.errors import OAuthError, ServerError, TemporarilyUnavailableError, TooManyRequestsError

Json = dict[str, Any]
ErrorClass = type[OAuthError]
JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"
HTML: Final = "text/html"
TEXT: Final[Json] = {"type": "string"}
NUMBER: Final[Json] = {"type": "integer"}
FLAG: Final[Json] = {"type": "boolean"}
TEXTS: Final[Json] = {"type": "array", "items": TEXT}
URL: Final[Json] = {"type": "string", "format": "uri"}
# Whatever reads a body may find it late or too large; whatever is answered at all may meet the others.
OF_BODIES: Final[tuple[ErrorClass, ...]] = (BodyTimeoutError, BodyTooLargeError)
OF_ALL: Final[tuple[ErrorClass, ...]] = (ServerError, TemporarilyUnavailableError, TooManyRequestsError)

_KEPT: Final = "public, max-age=SECONDS: anybody may keep the answer for so long."
HEADERS: Final[Mapping[str, tuple[str, Json]]] = {
    "Access-Control-Allow-Headers": ("What pages of a registered origin may send.", TEXT),
    "Access-Control-Allow-Methods": ("What pages of a registered origin may ask.", TEXT),
    "Access-Control-Allow-Origin": ("Whose pages may read the answer: an origin that the client registered.", TEXT),
    "Access-Control-Expose-Headers": ("Which headers such pages may read.", TEXT),
    "Access-Control-Max-Age": ("For how many seconds a browser may keep the permission.", NUMBER),
    "Cache-Control": (f"no-store: nobody keeps the answer. Or {_KEPT}", TEXT),
    "Content-Security-Policy": ("What the page may load, and who may frame it.", TEXT),
    "Cross-Origin-Opener-Policy": ("same-origin, unless the page is a step of a client's sign-in.", TEXT),
    "Location": ("Where the browser goes on.", TEXT),
    "Permissions-Policy": ("What the page may use of the browser.", TEXT),
    "RateLimit": ("What is left of the quotas that the request counted towards, and until when.", TEXT),
    "RateLimit-Policy": ("How many requests those quotas allow, in how many seconds.", TEXT),
    "Referrer-Policy": ("no-referrer", {"const": "no-referrer"}),
    "Retry-After": ("After how many seconds to try again.", NUMBER),
    "Set-Cookie": ("The browser's handle, `__Host-rxauth`, and who signed in with it, `__Host-rxauth-known`.", TEXT),
    "Vary": ("Origin", TEXT),
    "WWW-Authenticate": ("What to prove, and why the proof that was sent does not do.", TEXT),
    "X-Content-Type-Options": ("nosniff", {"const": "nosniff"}),
    "X-Frame-Options": ("DENY", {"const": "DENY"}),
    "X-Request-Id": ("What the logs and records call the request.", TEXT),
}
OF_ANY: Final = "X-Request-Id"
OF_JSON: Final = ("Cache-Control", "X-Content-Type-Options")
OF_QUOTAS: Final = ("RateLimit-Policy", "RateLimit")
SHARED: Final = (*OF_JSON, *OF_QUOTAS, "Vary", "Access-Control-Allow-Origin", "Access-Control-Expose-Headers")
OF_REDIRECTS: Final = ("Location", "Cache-Control", "Referrer-Policy", "Set-Cookie")
OF_PAGES: Final = (
    *("Cache-Control", "X-Content-Type-Options", "X-Frame-Options", "Content-Security-Policy", "Referrer-Policy"),
    *("Permissions-Policy", "Cross-Origin-Opener-Policy", "Set-Cookie"),
)
# Headers that an answer of their status always has.
_ALWAYS: Final = {("429", "Retry-After"), ("503", "Retry-After"), ("303", "Location"), ("401", "WWW-Authenticate")}


def objects(required: Mapping[str, Json], optional: Mapping[str, Json] | None = None, *, more: bool = False) -> Json:
    """Returns the schema of an object; more: whether it may have other members."""
    properties = {**required, **(optional or {})}
    described: Json = {"type": "object", "properties": properties, "required": list(required)}
    return described if more else {**described, "additionalProperties": False}


def named(name: str) -> Json:
    """Refers to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def answer(
    meaning: str, headers: Sequence[str], content: Mapping[str, Json] | None = None, *, status: str = ""
) -> Json:
    """Returns an answer; content: the schema of each media type, None if the body is empty."""
    described: Json = {"description": meaning, "headers": {name: _header(status, name) for name in (*headers, OF_ANY)}}
    if content is not None:
        described["content"] = {media_type: {"schema": schema} for media_type, schema in content.items()}
    return described


def _header(status: str, name: str) -> Json:
    always = (status, name) in _ALWAYS or name in {*OF_JSON, OF_ANY}
    return {"$ref": f"#/components/headers/{name}{'' if always else '-maybe'}"}


def headers() -> Json:
    """Returns the headers that answers refer to, each as one that is always there and as one that may be."""
    described = {}
    for name, (meaning, schema) in HEADERS.items():
        described[name] = {"description": meaning, "schema": schema, "required": True}
        described[f"{name}-maybe"] = {"description": meaning, "schema": schema}
    return described


def refusals(headers: Sequence[str], *errors: ErrorClass, challenged: Sequence[str] = ("401",)) -> Json:
    """Returns an answer for each status of some errors, with the codes that it can have and what they mean.

    challenged: the statuses that come with WWW-Authenticate.
    """
    answers = {}
    for status, classes in _by_status(errors).items():
        codes = list(dict.fromkeys(one.code for one in classes))
        schema = objects({"error": {"enum": codes}, "error_description": TEXT})
        more = [*(["WWW-Authenticate"] if status in challenged else []), *_waiting(status)]
        answers[status] = answer(_meanings(classes), [*headers, *more], {JSON: schema}, status=status)
    return answers


def error_pages(*errors: ErrorClass) -> Json:
    """Returns a page for each status of some errors: what a person reads."""
    return {
        status: answer(_meanings(classes), [*OF_PAGES, *_waiting(status)], {HTML: TEXT}, status=status)
        for status, classes in _by_status(errors).items()
    }


def codes_of(*errors: ErrorClass) -> list[str]:
    """Lists the codes of some errors."""
    return list(dict.fromkeys(error.code for error in errors))


def meaning_of(error: ErrorClass) -> str:
    """Returns what an error means: its docstring, in one line."""
    return " ".join(inspect.cleandoc(error.__doc__ or "").split())


def _by_status(errors: Sequence[ErrorClass]) -> dict[str, list[ErrorClass]]:
    grouped = defaultdict(list)
    for error in sorted(errors, key=lambda one: one.status):
        grouped[str(error.status)].append(error)
    return grouped


def _meanings(classes: Sequence[ErrorClass]) -> str:
    return "\n".join(f"- `{one.code}` ({one.section}): {meaning_of(one)}" for one in classes)


def _waiting(status: str) -> list[str]:
    return {"429": ["Retry-After", *OF_QUOTAS], "503": ["Retry-After"]}.get(status, [])


def parameters(place: str, named_ones: Mapping[str, str], *required: str) -> list[Json]:
    """Returns parameters of a request by name, each a text, with what they mean."""
    return [
        {"name": name, "in": place, "description": meaning, "schema": TEXT, "required": name in required}
        for name, meaning in named_ones.items()
    ]


def form(fields: Mapping[str, str], *required: str, media_types: Sequence[str] = (FORM,)) -> Json:
    """Returns a request's body: texts by name, with what they mean."""
    properties = {name: {**TEXT, "description": meaning} for name, meaning in fields.items()}
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return {"required": True, "content": {media_type: {"schema": schema} for media_type in media_types}}
