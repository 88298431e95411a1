"""Lists and searches (RFC 7644 §3.4.2): an index chooses the rows, and where it cannot, a bounded number is read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from rxauth.domain import scim_groups, scim_user_lists
from rxauth.domain.scim_groups import ScimGroup
from rxauth.domain.scim_users import ScimUser
from rxauth.ids import Kind
from rxauth.scim import filters, groups, matching, narrowing, users
from rxauth.scim.attributes import ResourceKind
from rxauth.scim.errors import TooManyError
from rxauth.scim.filters import Filter
from rxauth.scim.paging import MOST, Window, window
from rxauth.scim.requests import Asked, Desk, Given
from rxauth.scim.schemas import GROUP, USER
from rxauth.scim.showing import Choice, choice, listed
from rxauth.storage.database import Transaction

# So many rows a search looks through, where no index answers all of it.
LOOKED_THROUGH: Final = 5_000
MEMBERS_SHOWN: Final = 50_000
Row = TypeVar("Row", ScimUser, ScimGroup)


@dataclass(frozen=True)
class _Shelf(Generic[Row]):
    """The rows of one kind, as far as an index finds them. render: shows some of them whole."""

    kind: ResourceKind
    count: Callable[[], int]
    # How many, of how many, how many left out before them, and after which identifier.
    page: Callable[[int, int, int, str], list[Row]]
    render: Callable[[Sequence[Row]], list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class _Found:
    """A page. cursor: of its last row, if there are more; None: there are none."""

    resources: list[dict[str, Any]]
    total: int
    cursor: str | None = None


def of_users(transaction: Transaction, desk: Desk, asked: Asked) -> Given:
    """Lists users."""
    return _listed(asked, Kind.SCIM_USER, lambda wanted, seen: _users(transaction, desk, asked.filter, wanted, seen))


def of_groups(transaction: Transaction, desk: Desk, asked: Asked) -> Given:
    """Lists groups."""
    return _listed(asked, Kind.SCIM_GROUP, lambda wanted, seen: _groups(transaction, desk, asked.filter, wanted, seen))


def search_users(transaction: Transaction, desk: Desk, asked: Asked) -> Given:
    """Lists users as a body asks."""
    return of_users(transaction, desk, asked.searched())


def search_groups(transaction: Transaction, desk: Desk, asked: Asked) -> Given:
    """Lists groups as a body asks."""
    return of_groups(transaction, desk, asked.searched())


def search(transaction: Transaction, desk: Desk, asked: Asked) -> Given:
    """Lists users, and then groups, as a body asks; a page ends with the last user, so that it may be short."""
    asked = asked.searched()

    def both(wanted: Window, seen: Choice) -> _Found:
        found = _users(transaction, desk, asked.filter, wanted, seen)
        rest = Window(max(0, wanted.offset - found.total), wanted.count - len(found.resources))
        others = _groups(transaction, desk, asked.filter, rest, seen)
        return _Found([*found.resources, *others.resources], found.total + others.total)

    return _listed(asked, None, both)


def _listed(asked: Asked, kind: Kind | None, find: Callable[[Window, Choice], _Found]) -> Given:
    query = asked.query
    wanted = window(query.get("startIndex"), query.get("count"), query.get("cursor") if kind else None, kind)
    found = find(wanted, choice(query.get("attributes"), query.get("excludedAttributes")))
    place = {"startIndex": wanted.offset + 1} if wanted.cursor is None else {}
    after = {} if found.cursor is None or wanted.cursor is None else {"nextCursor": found.cursor}
    return Given(200, listed(found.resources, found.total, **place, **after))


def _users(transaction: Transaction, desk: Desk, written: str | None, wanted: Window, seen: Choice) -> _Found:
    sought = None if written is None else filters.parse(written)
    narrow, is_exact = narrowing.of_users(sought)

    def render(rows: Sequence[ScimUser]) -> list[dict[str, Any]]:
        of = scim_groups.of_users(transaction, desk.organization_id, [one.id for one in rows])
        return [users.rendered(desk, one, of.get(one.id, [])) for one in rows]

    shelf = _Shelf(
        USER,
        lambda: scim_user_lists.count(transaction, desk.organization_id, narrow),
        lambda rows, total, offset, after: scim_user_lists.page(
            transaction, desk.organization_id, narrow, rows, total, offset=offset, after=after
        ),
        render,
    )
    return _found(shelf, None if is_exact else sought, wanted, seen)


def _groups(transaction: Transaction, desk: Desk, written: str | None, wanted: Window, seen: Choice) -> _Found:
    sought = None if written is None else filters.parse(written)
    narrow, is_exact = narrowing.of_groups(sought)

    def render(rows: Sequence[ScimGroup]) -> list[dict[str, Any]]:
        of = {}
        if seen.sees(GROUP, "members"):
            ids = [one.id for one in rows]
            if scim_groups.number_of_members(transaction, desk.organization_id, ids) > MEMBERS_SHOWN:
                raise TooManyError("These groups have too many members to be shown: name excludedAttributes=members.")
            of = dict(scim_groups.members(transaction, desk.organization_id, ids))
        return [groups.rendered(desk, one, of.get(one.id, [])) for one in rows]

    shelf = _Shelf(
        GROUP,
        lambda: scim_groups.count(transaction, desk.organization_id, narrow),
        lambda rows, _, offset, after: scim_groups.page(
            transaction, desk.organization_id, narrow, rows, offset=offset, after=after
        ),
        render,
    )
    return _found(shelf, None if is_exact else sought, wanted, seen)


def _found(shelf: _Shelf[Row], sought: Filter | None, wanted: Window, seen: Choice) -> _Found:
    """Finds a page. sought None: the index answers all of the filter."""
    if sought is not None:
        return _looked_through(shelf, sought, wanted, seen)
    total = shelf.count()
    if wanted.count == 0:
        return _Found([], total)
    left_out = 0 if wanted.cursor is not None else wanted.offset
    rows = shelf.page(wanted.count + 1, total, left_out, wanted.cursor or "")
    shown = rows[: wanted.count]
    cursor = shown[-1].id if len(rows) > wanted.count else None
    return _Found([seen.shown(shelf.kind, one) for one in shelf.render(shown)], total, cursor)


def _looked_through(shelf: _Shelf[Row], sought: Filter, wanted: Window, seen: Choice) -> _Found:
    fits = matching.compiled(shelf.kind, sought)
    total = shelf.count()
    if total > LOOKED_THROUGH:
        raise TooManyError(
            f"The filter would look through more than {LOOKED_THROUGH} resources: add and userName eq, externalId eq, "
            "emails eq, displayName eq of a group, or a span of meta.lastModified."
        )
    matched: list[dict[str, Any]] = []
    after = ""
    while rows := shelf.page(MOST, total, 0, after):
        matched += [one for one in shelf.render(rows) if fits(one)]
        after = rows[-1].id
    begin = wanted.offset
    if wanted.cursor is not None:
        begin = sum(one["id"] <= wanted.cursor for one in matched)
    shown = matched[begin : begin + wanted.count]
    cursor = shown[-1]["id"] if shown and begin + wanted.count < len(matched) else None
    return _Found([seen.shown(shelf.kind, one) for one in shown], len(matched), cursor)
