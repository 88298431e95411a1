"""The table of permissions: one line for each, in the order in which a token lists them."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType
from typing import Final

from rxauth.policy import prescribing
from rxauth.policy.authority import Refusal
from rxauth.policy.roles import Role
from rxauth.policy.subjects import Subject


class Machine(Enum):
    """Whether an organization's machine client may hold a permission."""

    DEFAULT = auto()  # from the start
    GRANTABLE = auto()  # when an administrator gives it
    NEVER = auto()  # by nobody's doing


Condition = Callable[[Subject, int], Refusal | None]


@dataclass(frozen=True, slots=True)
class Permission:
    """One permission: who may hold it, and what else must be true."""

    name: str
    meaning: str
    roles: frozenset[Role]
    machine: Machine
    condition: Condition


def _always(_subject: Subject, _now: int) -> Refusal | None:
    return None


def _permission(name: str, roles: str, machine: Machine, condition: Condition, meaning: str) -> Permission:
    return Permission(name, meaning, frozenset(_ROLE_LETTERS[letter] for letter in roles), machine, condition)


_ROLE_LETTERS: Final = {
    "A": Role.ADMINISTRATOR,
    "D": Role.DEVELOPER,
    "P": Role.PRESCRIBER,
    "M": Role.MEDICAL_OPERATIONS,
    "S": Role.STAFF,
    "U": Role.SUPPORT,
}
_DEFAULT, _GRANTABLE, _NEVER = Machine.DEFAULT, Machine.GRANTABLE, Machine.NEVER

PERMISSIONS: Final = (
    _permission("read:patient",                 "APMSU" , _DEFAULT,   _always,            "see patients"),
    _permission("write:patient",                "APM" ,   _DEFAULT,   _always,            "add and edit patients"),
    _permission("update:patient",               "APM" ,   _GRANTABLE, _always,            "edit patients"),
    _permission("read:prescription",            "APMSU" , _DEFAULT,   _always,            "see prescriptions"),
    _permission("write:prescription",           "P",      _NEVER,     prescribing.refusal, "write and sign prescriptions"),
    _permission("update:prescription",          "P",      _GRANTABLE, _always,            "cancel prescriptions"),
    _permission("read:order",                   "APMSU" , _DEFAULT,   _always,            "see orders"),
    _permission("write:order",                  "PM",     _DEFAULT,   _always,            "create, send and change orders"),
    _permission("create:order",                 "PM",     _GRANTABLE, _always,            "create and send orders"),
    _permission("update:order",                 "PM",     _GRANTABLE, _always,            "change orders"),
    _permission("reroute:order",                "MSU",    _GRANTABLE, _always,            "move orders to another pharmacy, and send them again"),
    _permission("read:organization",            "ADPMSU", _GRANTABLE, _always,            "see the organization"),
    _permission("manage:organization",          "AS",     _NEVER,     _always,            "change the organization and its settings"),
    _permission("read:profile",                 "APMS" ,  _GRANTABLE, _always,            "see the people of the organization"),
    _permission("edit:profile",                 "AS",     _NEVER,     _always,            "change the profiles of the organization's people"),
    _permission("edit:profile_self",            "ADPMSU", _NEVER,     _always,            "change one's own profile"),
    _permission("read:user_roles",              "AS" ,    _GRANTABLE, _always,            "see who has which role"),
    _permission("manage:user_roles",            "AS" ,    _NEVER,     _always,            "give and take roles"),
    _permission("read:invite",                  "AS" ,    _GRANTABLE, _always,            "see invitations"),
    _permission("write:invite",                 "AS" ,    _GRANTABLE, _always,            "invite people"),
    _permission("read:client",                  "AD",     _GRANTABLE, _always,            "see API clients"),
    _permission("write:client",                 "AD",     _NEVER,     _always,            "change API clients"),
    _permission("update:client_keys",           "AD",     _NEVER,     _always,            "make and revoke API secrets"),
    _permission("read:webhook_config",          "AD",     _GRANTABLE, _always,            "see webhooks"),
    _permission("write:webhook_config",         "AD",     _GRANTABLE, _always,            "add, change and remove webhooks"),
    _permission("read:connection",              "A",      _GRANTABLE, _always,            "see identity providers, domains and provisioning"),
    _permission("manage:connection",            "A",      _NEVER,     _always,            "change with which identity providers people sign in"),
    _permission("access_override:web_app",      "A",      _NEVER,     _always,            "use the web application where it is switched off for others"),
    _permission("propose:provider_authority",   "AS",     _NEVER,     _always,            "propose that a person may prescribe"),
    _permission("approve:provider_authority",   "AP" ,    _NEVER,     _always,            "approve, as the second person, that somebody may prescribe"),
    _permission("suspend:provider_authority",   "APS" ,   _GRANTABLE, _always,            "suspend a provider's authority at once"),
    _permission("read:audit",                   "A",      _GRANTABLE, _always,            "read the audit log"),
)  # fmt: skip

BY_NAME: Final = MappingProxyType({permission.name: permission for permission in PERMISSIONS})
CONDITIONAL: Final = tuple(permission for permission in PERMISSIONS if permission.condition is not _always)
MACHINE_DEFAULT: Final = tuple(permission.name for permission in PERMISSIONS if permission.machine is Machine.DEFAULT)
