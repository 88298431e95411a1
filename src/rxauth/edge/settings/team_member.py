"""The settings' pages of one member: who they are, what they may do, and what can be done about them."""

from collections.abc import Mapping
from typing import Any, Final

from rxauth.api.management.callers import TWO_FACTORS
from rxauth.edge.settings.fields import Fields
from rxauth.edge.settings.sections import Act, Data, Section, Variables
from rxauth.edge.settings.team import PATH

_MEMBER: Final = f"{PATH}/{{user_id}}"
_WHO: Final = "id user { id email name { full } }"
_QUERY: Final = """
query Member(
  $userId: ID!, $can_read_user_roles: Boolean!, $can_manage_user_roles: Boolean!,
  $can_propose_provider_authority: Boolean!
) {
  member(userId: $userId) {
    id
    joinedAt
    disabled
    user { id email phone fax npi name { full } address { street1 street2 city state postalCode country } }
    roles @include(if: $can_read_user_roles) { role { id name } pending }
    secondFactors @include(if: $can_manage_user_roles) { app passkeys recoveryCodesLeft }
    sessions @include(if: $can_manage_user_roles)
    lastSeenAt @include(if: $can_manage_user_roles)
    worksElsewhere @include(if: $can_manage_user_roles)
    refusal @include(if: $can_manage_user_roles)
    resetRefusal @include(if: $can_manage_user_roles)
    secondFactorReset @include(if: $can_manage_user_roles) { id askedBy askedByName askedAt lapsesAt approvalRefusal }
    authority @include(if: $can_propose_provider_authority) { state }
  }
  roles { id name description refusal }
}
"""
_PROFILE: Final = f"""
query MemberProfile($userId: ID!) {{
  member(userId: $userId) {{
    {_WHO}
    profile: user {{
      phone fax npi name {{ title first middle last }}
      address {{ street1 street2 city state postalCode country }}
    }}
  }}
}}
"""
_RESET_QUERY: Final = f"""
query MemberFactors($userId: ID!) {{
  member(userId: $userId) {{
    {_WHO}
    secondFactors {{ app passkeys recoveryCodesLeft }}
    sessions
    resetRefusal
    resetTakesTwo
    secondFactorReset {{ id askedBy askedByName askedAt lapsesAt approvalRefusal }}
  }}
}}
"""
_REMOVE_QUERY: Final = f"""
query MemberToRemove(
  $userId: ID!, $can_read_invite: Boolean!, $can_propose_provider_authority: Boolean!
) {{
  member(userId: $userId) {{
    {_WHO}
    roles {{ role {{ id name }} }}
    sessions
    refusal
    authority @include(if: $can_propose_provider_authority) {{ state }}
  }}
  invites @include(if: $can_read_invite) {{ id inviterId expired }}
}}
"""
_SET_ROLES: Final = """
mutation SetRoles($userId: ID!, $roleIds: [ID!]!) { setRoles(userId: $userId, roleIds: $roleIds) { id } }
"""
_END: Final = "mutation EndMemberSessions($userId: ID!) { endMemberSessions(userId: $userId) }"
_UPDATE: Final = """
mutation UpdateMember($userId: ID!, $input: MemberInput!) { updateMember(userId: $userId, input: $input) { id } }
"""
_RESET: Final = "mutation ResetSecondFactors($userId: ID!) { resetSecondFactors(userId: $userId) { id } }"
_APPROVE: Final = """
mutation ApproveReset($userId: ID!, $resetId: ID!) {
  approveSecondFactorReset(userId: $userId, resetId: $resetId) { id }
}
"""
_WITHDRAW: Final = _APPROVE.replace("ApproveReset", "WithdrawReset").replace("approveSecond", "withdrawSecond")
_REMOVE: Final = "mutation RemoveMember($userId: ID!) { removeMember(userId: $userId) }"
_TEXTS: Final = ("phone", "fax", "npi")
# What the API says of an address, by the fields of the form.
_ADDRESS: Final[Mapping[str, str]] = {
    "street1": "street1",
    "street2": "street2",
    "city": "city",
    "state": "state",
    "postal_code": "postalCode",
    "country": "country",
}
_NAME: Final = ("title", "first", "middle", "last")


def _of(fields: Fields) -> dict[str, Any]:
    return {"userId": fields.text("user_id")}


def _reset_of(fields: Fields) -> Variables:
    return _of(fields) | {"resetId": fields.text("reset_id")}


def _chosen(fields: Fields) -> Variables:
    return _of(fields) | {"roleIds": fields.all("role_ids")}


def _typed(fields: Fields) -> Variables:
    """Returns the profile as the form has it: an empty field takes away what there was."""
    address = {sent: fields.optional(name) for name, sent in _ADDRESS.items()}
    written = any(value for name, value in address.items() if name != "country")
    required = {name: address[name] or "" for name in ("street1", "city", "state", "postalCode")}
    name = {part: fields.optional(part) for part in _NAME} | {part: fields.text(part) for part in ("first", "last")}
    return _of(fields) | {
        "input": {
            "name": name,
            "address": address | required | {"country": address["country"] or "US"} if written else None,
            **{one: fields.optional(one) for one in _TEXTS},
        }
    }


def _member_path(_data: Data, fields: Fields) -> str:
    return f"{PATH}/{fields.text('user_id')}"


def _team_path(_data: Data, _fields: Fields) -> str:
    return PATH


def _roles(data: Data, _fields: Fields) -> Mapping[str, Any]:
    """Returns the roles as choices: which are held, and why some cannot be changed."""
    member = data.get("member") or {}
    held = {one["role"]["id"] for one in member.get("roles") or ()}
    refused = {one["id"]: one["refusal"] for one in data.get("roles") or () if one["refusal"]}
    state = (member.get("authority") or {}).get("state")
    if "rol_prescriber" not in held and state not in {"APPROVED", "SUSPENDED"}:
        refused["rol_prescriber"] = "it comes with the authority to prescribe, which two people give under Providers"
    choices = [one | {"refusal": refused.get(one["id"])} for one in data.get("roles") or ()]
    return {"held": sorted(held), "role_choices": choices}


def _seen_roles(data: Data) -> object:
    return (data.get("member") or {}).get("roles")


def _seen_profile(data: Data) -> object:
    return (data.get("member") or {}).get("profile")


def _flat(data: Data, _fields: Fields) -> Mapping[str, Any]:
    """Returns the profile as texts, by the fields of the form."""
    profile = (data.get("member") or {}).get("profile") or {}
    address, name = profile.get("address") or {}, profile.get("name") or {}
    there = {one: name.get(one) for one in _NAME} | {one: profile.get(one) for one in _TEXTS}
    return {"there": there | {one: address.get(sent) for one, sent in _ADDRESS.items()}}


def _follows(data: Data, _fields: Fields) -> Mapping[str, Any]:
    """Returns what ends with the membership: invites that nobody accepted, and an authority."""
    member_id = (data.get("member") or {}).get("id")
    waiting = [one for one in data.get("invites") or () if one["inviterId"] == member_id and not one["expired"]]
    is_provider = ((data.get("member") or {}).get("authority") or {}).get("state") == "APPROVED"
    return {"waiting_invites": len(waiting), "is_provider": is_provider}


SECTIONS: Final = (
    Section(
        path=_MEMBER,
        tab="team",
        template="settings_team_member.html",
        query=_QUERY,
        opens=("read:profile",),
        variables=_of,
        values=_roles,
        required="member",
        acts={
            "member_roles": Act(_SET_ROLES, _chosen, notice="The roles were changed.", rests_on=_seen_roles),
            "member_sessions": Act(_END, _of, notice="They were signed out of this organization."),
            "withdraw_factor_reset": Act(_WITHDRAW, _reset_of, notice="The reset was taken back."),
        },
    ),
    Section(
        path=f"{_MEMBER}/profile",
        tab="team",
        template="settings_team_profile.html",
        query=_PROFILE,
        opens=("edit:profile",),
        variables=_of,
        values=_flat,
        required="member",
        acts={
            "member_profile": Act(
                _UPDATE, _typed, notice="The profile was changed.", leads_to=_member_path, rests_on=_seen_profile
            )
        },
    ),
    Section(
        path=f"{_MEMBER}/second-factors",
        tab="team",
        template="settings_team_factors.html",
        query=_RESET_QUERY,
        opens=("manage:user_roles",),
        variables=_of,
        required="member",
        wanted=TWO_FACTORS,
        acts={
            "reset_factors": Act(
                _RESET, _of, notice="The second factors were reset. A letter says so.", leads_to=_member_path
            ),
            "ask_factor_reset": Act(
                _RESET,
                _of,
                notice="It waits for a second person, for 24 hours. A letter tells the member.",
                leads_to=_member_path,
            ),
            "approve_factor_reset": Act(
                _APPROVE, _reset_of, notice="The second factors were reset. A letter says so.", leads_to=_member_path
            ),
        },
    ),
    Section(
        path=f"{_MEMBER}/remove",
        tab="team",
        template="settings_team_remove.html",
        query=_REMOVE_QUERY,
        opens=("manage:user_roles",),
        variables=_of,
        values=_follows,
        required="member",
        acts={
            "remove_member": Act(
                _REMOVE, _of, notice="They were removed from the organization. A letter says so.", leads_to=_team_path
            )
        },
    ),
)
