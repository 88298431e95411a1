"""The decisions on permissions a second time: written from the sentences of the specification, without rxauth.policy.

Slow and plain on purpose. People, machines and authorities come as mappings of texts and numbers, and days are compared
as the clocks of a state show them, with the time zone database.
"""

import datetime
from collections.abc import Iterable, Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

# What each role and each machine may hold, as the documented table has it: roles by their letters.
TABLE: Final = """
    read:patient A-PMSU default
    write:patient A-PM-- default
    update:patient A-PM-- can
    read:prescription A-PMSU default
    write:prescription --P--- never
    update:prescription --P--- can
    read:order A-PMSU default
    write:order --PM-- default
    create:order --PM-- can
    update:order --PM-- can
    reroute:order ---MSU can
    read:organization ADPMSU can
    manage:organization A---S- never
    read:profile A-PMS- can
    edit:profile A---S- never
    edit:profile_self ADPMSU never
    read:user_roles A---S- can
    manage:user_roles A---S- never
    read:invite A---S- can
    write:invite A---S- can
    read:client AD---- can
    write:client AD---- never
    update:client_keys AD---- never
    read:webhook_config AD---- can
    write:webhook_config AD---- can
    read:connection A----- can
    manage:connection A----- never
    access_override:web_app A----- never
    propose:provider_authority A---S- never
    approve:provider_authority A-P--- never
    suspend:provider_authority A-P-S- can
    read:audit A----- can
"""
ROWS: Final = {line.split()[0]: tuple(line.split()[1:]) for line in TABLE.strip().splitlines()}
LETTERS: Final = {
    "Administrator": "A",
    "Developer": "D",
    "Prescriber": "P",
    "Medical Operations": "M",
    "Staff": "S",
    "Support": "U",
}
ZONES: Final = {
    "NY": "America/New_York",
    "CA": "America/Los_Angeles",
    "AZ": "America/Phoenix",
    "HI": "Pacific/Honolulu",
    "GU": "Pacific/Guam",
}


def may_hold(somebody: Mapping[str, Any], permission: str, now: int) -> bool:
    """Says whether a machine or a person holds a permission at a moment."""
    if permission not in ROWS:
        return False
    letters, machines = ROWS[permission]
    if somebody["kind"] == "machine":
        # Machines never get it, whoever gave it to them.
        return machines != "never" and permission in somebody["permissions"]
    if somebody["organization"] is None:
        return False
    if permission == "write:prescription":
        return _may_prescribe(somebody, now)
    return any(LETTERS[role] in letters for role in _roles_that_count(somebody))


def usable(somebody: Mapping[str, Any], token: Iterable[str], now: int) -> set[str]:
    """Says what a request may use: what the token says, less what no longer holds."""
    return {name for name in token if may_hold(somebody, name, now)}


def may_prescribe_in(somebody: Mapping[str, Any], state: str | None, schedule: str | None, now: int) -> bool:
    """Says whether somebody may write a prescription for a patient in a state, of a treatment with a DEA schedule."""
    if somebody["kind"] == "machine" or not _may_prescribe(somebody, now):
        return False
    if state is None or schedule is not None:
        return False
    return any(one["state"] == state and _holds(one, now) for one in somebody["authority"]["licences"])


def _may_prescribe(person: Mapping[str, Any], now: int) -> bool:
    """Only a person who has the role, whom two people authorized, while it lasts and some licence holds."""
    authority = person["authority"]
    if "Prescriber" not in person["roles"] or authority is None:
        return False
    if authority["state"] != "approved":
        return False
    has_begun = authority["from"] <= now
    has_ended = authority["until"] is not None and authority["until"] <= now
    return has_begun and not has_ended and any(_holds(one, now) for one in authority["licences"])


def _roles_that_count(person: Mapping[str, Any]) -> set[str]:
    """The Prescriber role that is pending gives nothing; one whose authority is suspended gives all but to write."""
    roles = set(person["roles"])
    authority = person["authority"]
    if authority is None or authority["state"] not in ("approved", "suspended"):
        roles.discard("Prescriber")
    return roles


def _holds(licence: Mapping[str, Any], now: int) -> bool:
    today = datetime.datetime.fromtimestamp(now, ZoneInfo(ZONES[licence["state"]])).date()
    return bool(licence["status"] == "active" and today <= licence["expires_on"])
