"""Groups: made, shown, changed and deleted by an organization's identity provider (RFC 7644 §3.3 to §3.6)."""

from collections.abc import Collection, Sequence
from typing import Any, Final

from rxauth.domain import scim_groups, scim_leaving, scim_people, scim_status, scim_users
from rxauth.domain.audit import Event
from rxauth.domain.scim_groups import GROUPS_LIMIT, MEMBERS_LIMIT, Narrow, ScimGroup
from rxauth.domain.scim_people import SETTLED_AT_ONCE
from rxauth.domain.sessions import Ended
from rxauth.scim import patching, values
from rxauth.scim.errors import InvalidValueError, NotFoundError, TooManyError
from rxauth.scim.requests import Asked, Desk, Given
from rxauth.scim.schemas import GROUP
from rxauth.scim.showing import choice, moment, tag
from rxauth.storage.database import Transaction

_MEMBERS: Final = "members"


def create(transaction: Transaction, desk: Desk, asked: Asked) -> Given:
    """Makes a group.

    Raises:
        InvalidValueError: a member is no user of the organization. ScimError: see `values.resource`.
    """
    resource = values.resource(GROUP, asked.body)
    if scim_groups.count(transaction, desk.organization_id, Narrow()) >= GROUPS_LIMIT:
        raise TooManyError(f"An organization has at most {GROUPS_LIMIT} groups.")
    name, external_id = resource["displayName"], resource.get("externalId")
    group = scim_groups.add(transaction, desk.organization_id, name, external_id, desk.now_ms)
    users = _users(transaction, desk, resource, known=())
    scim_groups.put_in(transaction, group, users)
    desk.record(transaction, Event.SCIM_GROUP_CREATED, group.id, {"members": len(users)})
    ended = _settle(transaction, desk, users)
    return _given(desk, group, sorted(users), asked, status=201, ended=ended)


def show(transaction: Transaction, desk: Desk, asked: Asked) -> Given:
    """Shows a group.

    Raises:
        NotFoundError: the organization has no such group.
    """
    group = scim_groups.find(transaction, desk.organization_id, asked.id)
    if group is None:
        raise NotFoundError("group")
    if asked.knows(tag(group.version)):
        return Given(304, version=tag(group.version))
    wanted = choice(asked.query.get("attributes"), asked.query.get("excludedAttributes"))
    users: list[str] = []
    if wanted.sees(GROUP, _MEMBERS):
        users = scim_groups.members(transaction, desk.organization_id, [group.id]).get(group.id, [])
    return _given(desk, group, users, asked)


def replace(transaction: Transaction, desk: Desk, asked: Asked) -> Given:
    """Has a group be as the body says.

    Raises:
        as for `create`, and `show`; VersionError: it was changed meanwhile. LastAdministratorError: see there.
    """
    before = _locked(transaction, desk, asked)
    return _changed(transaction, desk, asked, before, values.resource(GROUP, asked.body))


def patch(transaction: Transaction, desk: Desk, asked: Asked) -> Given:
    """Changes parts of a group; the answer has no body, unless some attributes are asked for: it may be long.

    Raises:
        as for `replace`, and `patching.patched`.
    """
    before = _locked(transaction, desk, asked)
    given = _changed(transaction, desk, asked, before, patching.patched(GROUP, _resource(*before), asked.body))
    if asked.query.get("attributes"):
        return given
    return Given(204, None, given.location, given.version, given.ended)


def delete(transaction: Transaction, desk: Desk, asked: Asked) -> Given:
    """Forgets a group, and takes what it gave.

    Raises:
        NotFoundError, VersionError: as for `replace`.
    """
    group, users = _locked(transaction, desk, asked)
    scim_groups.take_out(transaction, group, users)
    scim_groups.remove(transaction, group)
    desk.record(transaction, Event.SCIM_GROUP_DELETED, group.id)
    return Given(204, ended=_settle(transaction, desk, users))


def rendered(desk: Desk, group: ScimGroup, users: Sequence[str]) -> dict[str, Any]:
    """Returns a group as it is shown whole."""
    shown = {"schemas": [], "id": group.id, **_resource(group, users)}
    for one in shown.get(_MEMBERS, ()):
        one["$ref"], one["type"] = f"{desk.base_url}/Users/{one['value']}", "User"
    shown["meta"] = {
        "resourceType": GROUP.name,
        "created": moment(group.created_at_ms),
        "lastModified": moment(group.changed_at_ms),
        "location": f"{desk.base_url}{GROUP.endpoint}/{group.id}",
        "version": tag(group.version),
    }
    return shown


def _resource(group: ScimGroup, users: Sequence[str]) -> dict[str, Any]:
    resource: dict[str, Any] = {"displayName": group.display_name}
    if group.external_id is not None:
        resource["externalId"] = group.external_id
    if users:
        resource[_MEMBERS] = [{"value": one} for one in users]
    return resource


def _locked(transaction: Transaction, desk: Desk, asked: Asked) -> tuple[ScimGroup, list[str]]:
    group = scim_groups.lock(transaction, desk.organization_id, asked.id)
    if group is None:
        raise NotFoundError("group")
    asked.require_version(tag(group.version))
    return group, scim_groups.members(transaction, desk.organization_id, [group.id]).get(group.id, [])


def _changed(
    transaction: Transaction, desk: Desk, asked: Asked, had: tuple[ScimGroup, list[str]], resource: dict[str, Any]
) -> Given:
    group, before = had
    after = _users(transaction, desk, resource, known=before)
    new, gone = after - set(before), set(before) - after
    name, external_id = resource["displayName"], resource.get("externalId")
    is_renamed = (name, external_id) != (group.display_name, group.external_id)
    if not new and not gone and not is_renamed:
        return _given(desk, group, before, asked)
    scim_groups.take_out(transaction, group, gone)
    scim_groups.put_in(transaction, group, new)
    changed = scim_groups.change(transaction, group, name, external_id, desk.now_ms)
    details = {"added": len(new), "removed": len(gone)}
    desk.record(transaction, Event.SCIM_GROUP_CHANGED, group.id, details)
    ended = _settle(transaction, desk, after | gone if is_renamed else new | gone)
    return _given(desk, changed, sorted(after), asked, ended=ended)


def _users(transaction: Transaction, desk: Desk, resource: dict[str, Any], *, known: Collection[str]) -> set[str]:
    """Returns the users that are to be in a group; known: those that were, and need not be looked up."""
    users = {str(one.get("value", "")) for one in resource.get(_MEMBERS, ())}
    if len(users) > MEMBERS_LIMIT:
        raise InvalidValueError(f"A group has at most {MEMBERS_LIMIT} members.")
    new = sorted(users.difference(known))
    if len(scim_users.known(transaction, desk.organization_id, new)) < len(new):
        raise InvalidValueError("A member is no user of this organization; groups are no members of groups here.")
    return users


def _settle(transaction: Transaction, desk: Desk, users: Collection[str]) -> list[Ended]:
    """Works out what some users get now, or, if they are many, within a minute; who is left nothing is out now."""
    ids, ended = sorted(users), []
    for one in ids[:SETTLED_AT_ONCE]:
        user = scim_users.lock(transaction, desk.organization_id, one)
        if user is not None:
            ended += scim_people.settle(transaction, user, desk.telling)
    rest = ids[SETTLED_AT_ONCE:]
    scim_status.mark_users(transaction, desk.organization_id, rest, desk.telling.now)
    return ended + scim_leaving.leave_without_roles(transaction, desk.organization_id, rest, desk.telling)


def _given(
    desk: Desk,
    group: ScimGroup,
    users: Sequence[str],
    asked: Asked,
    *,
    status: int = 200,
    ended: Sequence[Ended] = (),
) -> Given:
    wanted = choice(asked.query.get("attributes"), asked.query.get("excludedAttributes"))
    whole = rendered(desk, group, users)
    return Given(status, wanted.shown(GROUP, whole), whole["meta"]["location"], whole["meta"]["version"], ended)
