"""Organizations at the console: found, made, shut out and let in again, and the first administrator invited."""

from collections.abc import Callable
from typing import Any, Final

from rxauth.domain import console
from rxauth.domain.errors import AbsentError, InvalidError
from rxauth.domain.operators import CONSOLE_PATH
from rxauth.domain.paging import FROM_THE_START
from rxauth.domain.paging import Page as Rows
from rxauth.edge.admin.sections import Act, Asking, Page, Values
from rxauth.ids import Kind, is_id

PATH: Final = f"{CONSOLE_PATH}/organizations"
ONE: Final = f"{PATH}/{{organization_id}}"
A_PAGE: Final = 50
WORDS_LIMIT_CHARACTERS: Final = 200


def _found(asking: Asking) -> Values:
    words = "".join(letter for letter in asking.text("q") if letter.isprintable())[:WORDS_LIMIT_CHARACTERS]
    after = asking.text("after")
    before = after if is_id(Kind.ORGANIZATION, after) else FROM_THE_START
    rows = console.find_organizations(asking.transaction, asking.operator, words, Rows(A_PAGE + 1, before))
    return {
        "words": words,
        "is_search": bool(words),
        "organizations": rows[:A_PAGE],
        "after": rows[A_PAGE - 1].id if len(rows) > A_PAGE else None,
        "is_first": before == FROM_THE_START,
    }


def _new(_asking: Asking) -> Values:
    return {}


def _one(asking: Asking) -> Values:
    found, size = console.organization(asking.transaction, asking.operator, _id(asking), asking.now)
    return {"organization": found, "size": size, "path": f"{PATH}/{found.id}"}


def _enabled(asking: Asking) -> Values:
    return _in_state(asking, is_disabled=False)


def _disabled(asking: Asking) -> Values:
    return _in_state(asking, is_disabled=True)


def _in_state(asking: Asking, *, is_disabled: bool) -> Values:
    """Returns what is shown of an organization that is in the state in which the act of the page is one."""
    values = _one(asking)
    if (values["organization"].disabled_at is not None) != is_disabled:
        raise AbsentError("it is not in this state any longer")
    return values


def _create(asking: Asking, _ready: Any) -> str:
    made = console.create_organization(
        asking.transaction,
        asking.operator,
        asking.text("name"),
        asking.text("administrator") or None,
        outbox=asking.outbox,
        now_us=asking.now_us,
    )
    return f"{PATH}/{made.id}"


def _invite(asking: Asking, _ready: Any) -> str:
    email = asking.text("email")
    if not email:
        raise InvalidError("type the address of whoever is to manage it", "email")
    organization_id = _id(asking)
    console.invite_administrator(
        asking.transaction, asking.operator, organization_id, email, outbox=asking.outbox, now_us=asking.now_us
    )
    return f"{PATH}/{organization_id}"


def _switch(act: Callable[..., None]) -> Callable[[Asking, Any], str]:
    """Returns what shuts an organization out, or lets it in."""

    def do(asking: Asking, _ready: Any) -> str:
        act(asking.transaction, asking.operator, _id(asking), asking.now_us)
        return f"{PATH}/{_id(asking)}"

    return do


def _id(asking: Asking) -> str:
    organization_id = asking.fields["organization_id"]
    if not is_id(Kind.ORGANIZATION, organization_id):
        raise AbsentError("there is no such organization")
    return organization_id


PAGES: Final = (
    Page(PATH, "organizations", "admin_organizations.html", _found),
    Page(
        f"{PATH}/new",
        "organizations",
        "admin_organization_new.html",
        _new,
        {"create": Act(_create, "The organization was made.")},
    ),
    Page(ONE, "organizations", "admin_organization.html", _one),
    Page(
        f"{ONE}/invite",
        "organizations",
        "admin_organization_invite.html",
        _enabled,
        {"invite": Act(_invite, "The invite is on its way.")},
        is_dangerous=True,
    ),
    Page(
        f"{ONE}/disable",
        "organizations",
        "admin_organization_disable.html",
        _enabled,
        {"disable": Act(_switch(console.disable_organization), "The organization is disabled.")},
        is_dangerous=True,
    ),
    Page(
        f"{ONE}/enable",
        "organizations",
        "admin_organization_enable.html",
        _disabled,
        {"enable": Act(_switch(console.enable_organization), "The organization is enabled.")},
        is_dangerous=True,
    ),
)
