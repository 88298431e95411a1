"""The settings' team pages: the people of the organization, who was invited, and inviting somebody."""

from collections.abc import Mapping
from typing import Any, Final

from rxauth.edge.addresses import SETTINGS_PATH
from rxauth.edge.settings.fields import Fields
from rxauth.edge.settings.sections import Act, Data, Section, Variables
from rxauth.policy.roles import find_role

PATH: Final = f"{SETTINGS_PATH}/team"
ROWS: Final = 25
_QUERY: Final = """
query Team(
  $search: String, $role: String, $after: ID, $first: Int!,
  $can_read_user_roles: Boolean!, $can_manage_user_roles: Boolean!, $can_read_invite: Boolean!
) {
  members(search: $search, role: $role, after: $after, first: $first) {
    id
    disabled
    user { email name { full } }
    roles @include(if: $can_read_user_roles) { role { id name } pending }
    secondFactors @include(if: $can_manage_user_roles) { app passkeys }
    lastSeenAt @include(if: $can_manage_user_roles)
    secondFactorReset @include(if: $can_manage_user_roles) { id }
  }
  roles { id name refusal }
  invites @include(if: $can_read_invite) { id email roles { id name } expired expiresAt inviterId }
}
"""
_ROLES: Final = "query Roles { roles { id name description refusal } }"
_INVITE: Final = "mutation InviteUser($input: InviteInput!) { inviteUser(input: $input) { id } }"
_RESEND: Final = "mutation ResendInvite($inviteId: ID!) { resendInvite(inviteId: $inviteId) { id } }"
_WITHDRAW: Final = "mutation WithdrawInvite($inviteId: ID!) { withdrawInvite(inviteId: $inviteId) }"


def _asked(fields: Fields) -> Variables:
    return {
        "search": fields.optional("search"),
        "role": _role(fields),
        "after": fields.optional("after"),
        "first": ROWS,
    }


def _role(fields: Fields) -> str | None:
    """Returns the role that is looked for; a link that names none finds everybody."""
    role = find_role(fields.text("role"))
    return None if role is None else role.id


def _shown(data: Data, fields: Fields) -> Mapping[str, Any]:
    """Returns what the list needs: what was looked for, where the rest begins, and which invites one may touch."""
    members = data.get("members") or []
    may_not = {one["id"] for one in data.get("roles") or [] if one["refusal"]}
    invites = data.get("invites")
    return {
        "members": members,
        "all_roles": data.get("roles") or [],
        "search": fields.text("search"),
        "role": fields.text("role"),
        "is_search": bool(fields.text("search") or fields.text("role")),
        "is_first": not fields.text("after"),
        "next_after": members[-1]["id"] if len(members) == ROWS else None,
        "invites": None if invites is None else [one | {"may_touch": _may_touch(one, may_not)} for one in invites],
    }


def _may_touch(invite: Mapping[str, Any], may_not: set[str]) -> bool:
    return not any(role["id"] in may_not for role in invite["roles"])


def _invite(fields: Fields) -> Variables:
    return {"input": {"email": fields.text("email"), "roles": fields.all("roles")}}


def _invite_id(fields: Fields) -> Variables:
    return {"inviteId": fields.text("invite_id")}


def _to_team(_data: Data, _fields: Fields) -> str:
    return PATH


SECTIONS: Final = (
    Section(
        path=PATH,
        tab="team",
        template="settings_team.html",
        query=_QUERY,
        opens=("read:profile",),
        variables=_asked,
        values=_shown,
        acts={
            "resend_invite": Act(_RESEND, _invite_id, notice="The invite was sent again. The link before is dead."),
            "withdraw_invite": Act(_WITHDRAW, _invite_id, notice="The invite was withdrawn. Its link is dead."),
        },
    ),
    Section(
        path=f"{PATH}/invite",
        tab="team",
        template="settings_team_invite.html",
        query=_ROLES,
        opens=("write:invite",),
        acts={"invite": Act(_INVITE, _invite, notice="The invite is on its way.", leads_to=_to_team)},
    ),
)
