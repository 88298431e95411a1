"""What a settings page is made of: the document that it asks, the template that shows the answer, and its acts."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from rxauth.edge.context import Edge
from rxauth.edge.requests import Request
from rxauth.edge.responses import Answer
from rxauth.edge.settings.fields import Fields
from rxauth.edge.visits import Visit
from rxauth.policy.assurance import Wanted

Data = Mapping[str, Any]
Variables = Mapping[str, Any]
Run = Callable[[Edge, Request, Fields], Awaitable[Mapping[str, Any]]]
Leave = Callable[[Edge, Request, Visit, Fields], Awaitable[Answer]]
Ready = Callable[[Edge, Fields], Awaitable[Fields]]
_PERMISSION_VARIABLE: Final = re.compile(r"\$(can_(\w+?)_(\w+))\s*:")


def nothing(_fields: Fields) -> Variables:
    """Returns no variables."""
    return {}


def no_values(_data: Data, _fields: Fields) -> Mapping[str, Any]:
    """Returns no values."""
    return {}


@dataclass(frozen=True, slots=True)
class Act:
    """What one form does: a mutation. variables: from the form's fields; may raise FieldError.

    notice: what the next page says about it. leads_to: the path of that page, from the answer and the fields; None: the
    page that the form was on. page: a template that shows the answer itself, because it has what is shown once; then
    there is no next page. places: fields of the form by the API's (`input.npi`) where it is not the last of its names
    in snake case; place_of: the same where it takes the form to tell, from the API's name or, if no value is at fault,
    from the code of the reason. rests_on: what of the page's answer the form was filled in by; if that has changed
    meanwhile, the form is shown again. is_repeatable: to do it twice is as if it was done once, and nobody keeps count.
    ready: what is asked of others beforehand, so that nothing waits for them in a transaction; it returns the fields
    with what they said, and may raise FieldError.
    """

    document: str
    variables: Callable[[Fields], Variables]
    notice: str = ""
    leads_to: Callable[[Data, Fields], str] | None = None
    page: str | None = None
    places: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    place_of: Callable[[str, Fields], str | None] | None = None
    rests_on: Callable[[Data], Any] | None = None
    is_repeatable: bool = False
    ready: Ready | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """One page. path: with parts in braces, which are fields too. tab: which entry of the navigation it belongs to.

    opens: permissions of which any one opens the page; none: every member. query: the document that it asks; a variable
    `$can_write_invite: Boolean!` says whether write:invite is held. values: what the template needs beside `data`.
    required: the root field without which there is nothing to show: null answers 404. wanted: how surely one must know
    who is there before the page is shown; None: as for any page. acts: by the field `act` of a form. redraws: values of
    that field that do nothing but show the form again as it was typed, such as with one more row. runs: forms by that
    field that ask another endpoint, in process, or somebody else, and show on the same page what it said; FieldError:
    nobody said anything. leaves: those that lead the browser away; FieldError: it stays.
    """

    path: str
    tab: str
    template: str
    query: str
    opens: tuple[str, ...] = ()
    variables: Callable[[Fields], Variables] = nothing
    values: Callable[[Data, Fields], Mapping[str, Any]] = no_values
    required: str | None = None
    wanted: Wanted | None = None
    acts: Mapping[str, Act] = field(default_factory=lambda: MappingProxyType({}))
    redraws: frozenset[str] = frozenset()
    runs: Mapping[str, Run] = field(default_factory=lambda: MappingProxyType({}))
    leaves: Mapping[str, Leave] = field(default_factory=lambda: MappingProxyType({}))


def permission_variables(document: str) -> Mapping[str, str]:
    """Returns the permissions that a document wants to know of, by the names of its variables."""
    return {name: f"{verb}:{noun}" for name, verb, noun in _PERMISSION_VARIABLE.findall(document)}
