"""What binds people.graphql: the resolvers of users, roles, invites and members, and what its inputs become."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from rxauth.api.management import factor_resets, invites, member_lists, members, roles, shown, users
from rxauth.api.schema import Resolver

RESOLVERS: Final[Mapping[str, Mapping[str, Resolver]]] = MappingProxyType(
    {
        "Query": {
            "invites": invites.search,
            "me": users.me,
            "members": member_lists.search,
            "member": member_lists.member,
            "roles": roles.search,
            "users": users.search,
        },
        "Mutation": {
            "inviteUser": invites.invite,
            "resendInvite": invites.resend,
            "withdrawInvite": invites.withdraw,
            "addRole": members.add_role,
            "removeRole": members.remove_role,
            "setRoles": members.set_roles,
            "removeMember": members.remove,
            "endMemberSessions": members.end_sessions,
            "resetSecondFactors": factor_resets.reset,
            "approveSecondFactorReset": factor_resets.approve,
            "withdrawSecondFactorReset": factor_resets.withdraw,
            "updateProfile": members.update_own,
            "updateMember": members.update,
        },
        "Invite": {
            "roles": invites.roles,
            "url": invites.url,
            "expired": invites.is_expired,
            "createdAt": shown.moment("created_at"),
            "expiresAt": shown.moment("expires_at"),
        },
        "Member": {
            "joinedAt": shown.moment("joined_at"),
            "disabled": member_lists.is_disabled,
            "roles": member_lists.roles,
            "secondFactors": member_lists.second_factors,
            "sessions": member_lists.sessions,
            "lastSeenAt": member_lists.last_seen_at,
            "worksElsewhere": member_lists.works_elsewhere,
            "refusal": member_lists.refusal,
            "authority": member_lists.authority,
            "resetRefusal": factor_resets.refusal,
            "resetTakesTwo": factor_resets.takes_two,
            "secondFactorReset": factor_resets.waiting,
        },
        "MemberRole": {"role": member_lists.role, "pending": member_lists.pending},
        "SecondFactorReset": {
            "askedByName": factor_resets.asked_by_name,
            "askedAt": shown.moment("asked_at"),
            "lapsesAt": factor_resets.lapses_at,
            "approvalRefusal": factor_resets.approval_refusal,
        },
        "SecondFactors": {"app": shown.of("has_app")},
        "Role": {
            "name": roles.name,
            "description": roles.description,
            "permissions": roles.permissions,
            "refusal": roles.refusal,
        },
        "User": {
            "externalId": users.external_id,
            "roles": users.roles,
            "verificationStatus": users.verification_status,
        },
    }
)
INPUTS: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType(
    {
        "InviteInput": invites.InviteInput,
        "RoleInput": members.RoleInput,
        "ProfileInput": members.profile_input,
        "MemberInput": members.profile_input,
    }
)
