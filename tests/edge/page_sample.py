"""What a sample of a page is, and what most of them have in common."""

from dataclasses import dataclass
from typing import Any, Final

from rxauth.edge import pages
from rxauth.edge.responses import Answer
from rxauth.edge.settings.fields import Fields
from rxauth.edge.settings.frame import ACCOUNT_TABS, ORGANIZATION_TABS

NOW: Final = 1_795_435_200  # 2026-11-23 12:00:00 UTC
CLIENT_ORIGIN: Final = "http://localhost:3000"
Values = dict[str, Any]

FORM: Final[Values] = {"action": "/sign-in/sgn_1", "csrf": "a-token-of-a-form", "email": "maya@alder.example"}
FRAME: Final[Values] = FORM | {
    "navigation": [*ORGANIZATION_TABS.items(), ("Your account", ACCOUNT_TABS)],
    "organization_name": "Alder Clinic",
    "switch_url": "/settings/switch",
    "sign_out_url": "/sign-out",
    "now": NOW,
}


@dataclass(frozen=True)
class Sample:
    """A template with values for it. target: where the answer to its form may lead."""

    name: str
    template: str
    values: Values
    target: str | None = None

    def page(self, **changes: Any) -> Answer:
        """Returns the page; changes replace values."""
        return pages.page(self.template, self.values | changes, form_target=self.target)


def _as_it_is(_name: str, there_is: Any = None) -> Any:
    return "" if there_is is None else there_is


# With every permission, and nothing typed; `data` is what the API answered.
SETTINGS: Final[Values] = FRAME | {
    "issuer": "https://auth.alder.example/",
    "user_id": "usr_1",
    "can": lambda _permission: True,
    "typed": _as_it_is,
    "fields": Fields(),
    "once": "a-key-of-a-form",
    "seen": {},
}


def settings(name: str, template: str, tab: str, data: Values, **changes: Any) -> Sample:
    """Returns a sample of a settings page. data: what the API answered; changes: of the values around it."""
    return Sample(f"settings-{name}", f"settings_{template}.html", SETTINGS | {"tab": tab, "data": data} | changes)
