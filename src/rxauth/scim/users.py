"""Users: made, shown, changed and deleted by an organization's identity provider (RFC 7644 §3.3 to §3.6)."""

from collections.abc import Mapping, Sequence
from typing import Any

from rxauth.domain import scim_groups, scim_people, scim_users
from rxauth.domain.audit import Event
from rxauth.domain.errors import InvalidError
from rxauth.domain.scim_groups import Membership
from rxauth.domain.scim_users import ScimUser
from rxauth.scim import patching, values
from rxauth.scim.errors import InvalidValueError, NotFoundError, UniquenessError
from rxauth.scim.requests import Asked, Desk, Given, refused_value
from rxauth.scim.schemas import USER
from rxauth.scim.showing import choice, moment, tag
from rxauth.storage.database import ConflictError, Transaction

_TAKEN = "Another user has this userName."


def create(transaction: Transaction, desk: Desk, asked: Asked) -> Given:
    """Makes a user; whoever it is may become a member by that.

    Raises:
        UniquenessError: another user has the userName. ScimError: see `values.resource`.
    """
    resource = {"active": True, **values.resource(USER, asked.body)}
    new = scim_users.new(desk.organization_id, resource, desk.now_ms)
    user = scim_people.arrive(transaction, new, desk.telling)
    try:
        scim_users.add(transaction, user)
    except ConflictError:
        raise UniquenessError(_TAKEN) from None
    except InvalidError as error:
        raise InvalidValueError(refused_value(error)) from None
    desk.record(transaction, Event.SCIM_USER_CREATED, user.id)
    return _given(desk, user, [], asked, status=201)


def show(transaction: Transaction, desk: Desk, asked: Asked) -> Given:
    """Shows a user.

    Raises:
        NotFoundError: the organization has no such user.
    """
    user = scim_users.find(transaction, desk.organization_id, asked.id)
    if user is None:
        raise NotFoundError("user")
    groups = scim_groups.of_users(transaction, desk.organization_id, [user.id]).get(user.id, [])
    if asked.knows(version(user, groups)):
        return Given(304, version=version(user, groups))
    return _given(desk, user, groups, asked)


def replace(transaction: Transaction, desk: Desk, asked: Asked) -> Given:
    """Has a user be as the body says; whether it is active stays, if that is not said.

    Raises:
        as for `create`, and `show`; VersionError: it was changed meanwhile. LastAdministratorError: see there.
    """
    before = _locked(transaction, desk, asked)
    return _changed(transaction, desk, asked, before, values.resource(USER, asked.body))


def patch(transaction: Transaction, desk: Desk, asked: Asked) -> Given:
    """Changes parts of a user.

    Raises:
        as for `replace`, and `patching.patched`.
    """
    before = _locked(transaction, desk, asked)
    return _changed(transaction, desk, asked, before, patching.patched(USER, before[0].resource, asked.body))


def delete(transaction: Transaction, desk: Desk, asked: Asked) -> Given:
    """Forgets a user; a person who was active is a member no longer.

    Raises:
        NotFoundError, VersionError, LastAdministratorError: as for `replace`.
    """
    user, _ = _locked(transaction, desk, asked)
    ended = scim_people.leave(transaction, user, desk.telling) if user.active else []
    scim_users.remove(transaction, user)
    desk.record(transaction, Event.SCIM_USER_DELETED, user.id)
    return Given(204, ended=ended)


def rendered(desk: Desk, user: ScimUser, groups: Sequence[Membership]) -> dict[str, Any]:
    """Returns a user as it is shown whole."""
    location = f"{desk.base_url}{USER.endpoint}/{user.id}"
    shown: dict[str, Any] = {"schemas": [], "id": user.id, **user.resource}
    if groups:
        shown["groups"] = [
            {
                "value": one.id,
                "$ref": f"{desk.base_url}/Groups/{one.id}",
                "display": one.name,
                "type": "direct",
            }
            for one in groups
        ]
    shown["meta"] = {
        "resourceType": USER.name,
        "created": moment(user.created_at_ms),
        "lastModified": moment(user.changed_at_ms),
        "location": location,
        "version": version(user, groups),
    }
    return shown


def version(user: ScimUser, groups: Sequence[Membership]) -> str:
    """Returns the entity tag of a user."""
    return tag(user.version, [f"{one.id}:{one.name}" for one in groups])


def _locked(transaction: Transaction, desk: Desk, asked: Asked) -> tuple[ScimUser, list[Membership]]:
    user = scim_users.lock(transaction, desk.organization_id, asked.id)
    if user is None:
        raise NotFoundError("user")
    groups = scim_groups.of_users(transaction, desk.organization_id, [user.id]).get(user.id, [])
    asked.require_version(version(user, groups))
    return user, groups


def _changed(
    transaction: Transaction,
    desk: Desk,
    asked: Asked,
    before: tuple[ScimUser, list[Membership]],
    resource: Mapping[str, Any],
) -> Given:
    user, groups = before
    if resource == user.resource:
        return _given(desk, user, groups, asked)
    try:
        after = scim_users.change(transaction, user, resource, desk.now_ms)
    except ConflictError:
        raise UniquenessError(_TAKEN) from None
    except InvalidError as error:
        raise InvalidValueError(refused_value(error)) from None
    ended = scim_people.settle(transaction, after, desk.telling, was_active=user.active)
    events = {(True, False): Event.SCIM_USER_DEACTIVATED, (False, True): Event.SCIM_USER_ACTIVATED}
    desk.record(transaction, events.get((user.active, after.active), Event.SCIM_USER_CHANGED), user.id)
    shown = _given(desk, after, groups, asked)
    return Given(shown.status, shown.body, shown.location, shown.version, ended)


def _given(desk: Desk, user: ScimUser, groups: Sequence[Membership], asked: Asked, *, status: int = 200) -> Given:
    wanted = choice(asked.query.get("attributes"), asked.query.get("excludedAttributes"))
    whole = rendered(desk, user, groups)
    return Given(status, wanted.shown(USER, whole), whole["meta"]["location"], whole["meta"]["version"])
