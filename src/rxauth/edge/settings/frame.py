"""The frame of the settings and account pages: who is there, for which organization, and what may be opened."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from rxauth.edge.addresses import ACCOUNT_PATH, LOGOUT_PATH, SETTINGS_PATH
from rxauth.edge.visits import Visit
from rxauth.policy import decide

SWITCH_PATH: Final = f"{SETTINGS_PATH}/switch"
PROFILE_PATH: Final = f"{SETTINGS_PATH}/profile"


@dataclass(frozen=True, slots=True)
class Tab:
    """One entry of the navigation. opens: permissions of which any one shows it; none: it is for every member."""

    name: str
    title: str
    path: str
    opens: tuple[str, ...] = ()


# Each group with its entries, in the order in which they stand.
ORGANIZATION_TABS: Final[Mapping[str, tuple[Tab, ...]]] = {
    "Developers": (
        Tab("developers", "Machine client", f"{SETTINGS_PATH}/developers", ("read:client",)),
        Tab("apps", "Apps", f"{SETTINGS_PATH}/developers/apps", ("read:client",)),
        Tab("webhooks", "Webhooks", f"{SETTINGS_PATH}/developers/webhooks", ("read:webhook_config",)),
    ),
    "Organization": (
        Tab("team", "Team", f"{SETTINGS_PATH}/team", ("read:profile",)),
        Tab(
            "providers",
            "Providers",
            f"{SETTINGS_PATH}/providers",
            ("propose:provider_authority", "approve:provider_authority", "suspend:provider_authority"),
        ),
        Tab("single_sign_on", "Single sign-on", f"{SETTINGS_PATH}/connections", ("read:connection",)),
        Tab("organization", "Organization", f"{SETTINGS_PATH}/organization", ("read:organization",)),
        Tab("activity", "Activity", f"{SETTINGS_PATH}/activity", ("read:audit",)),
        Tab("catalog", "Catalog", f"{SETTINGS_PATH}/catalog"),
        Tab("templates", "Templates", f"{SETTINGS_PATH}/templates"),
    ),
}
ACCOUNT_TABS: Final = (
    Tab("profile", "Profile", ACCOUNT_PATH),
    Tab("security", "Security", f"{ACCOUNT_PATH}/security"),
    Tab("sessions", "Sessions", f"{ACCOUNT_PATH}/sessions"),
    Tab("apps_of_person", "Connected apps", f"{ACCOUNT_PATH}/apps"),
)


def open_tabs(permissions: frozenset[str]) -> dict[str, list[Tab]]:
    """Returns the tabs of an organization that these permissions open, by group; empty groups are left out."""
    groups = {
        group: [tab for tab in tabs if not tab.opens or not permissions.isdisjoint(tab.opens)]
        for group, tabs in ORGANIZATION_TABS.items()
    }
    return {group: tabs for group, tabs in groups.items() if tabs}


def _shown(visitor: Visit) -> str | None:
    """Returns the organization whose pages are offered: also on pages of the account, which belong to none."""
    mine = visitor.person.memberships
    alone = next(iter(mine)) if len(mine) == 1 else None
    return visitor.organization_id or visitor.session.organization_id or alone


def values(visitor: Visit, tab: str, now: int) -> dict[str, Any]:
    """Returns what the frame shows."""
    membership = visitor.person.memberships.get(_shown(visitor) or "")
    subject = None if membership is None else visitor.person.subject(membership.organization_id)
    groups = {} if subject is None else open_tabs(frozenset(decide.held(subject, now)))
    return {
        "navigation": [(group, list(tabs)) for group, tabs in groups.items()] + [("Your account", list(ACCOUNT_TABS))],
        "tab": tab,
        "organization_name": None if membership is None else membership.organization_name,
        "switch_url": SWITCH_PATH if len(visitor.person.memberships) > 1 else None,
        "email": visitor.user.email,
        "sign_out_url": LOGOUT_PATH,
        "now": now,
    }
