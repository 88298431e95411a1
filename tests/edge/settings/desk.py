"""Somebody of an organization at their browser, in front of its settings."""

import html
import re

from rxauth.domain import memberships
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from tests.browsing import Browser
from tests.live import Live
from tests.people import PASSWORD, add_person
from tests.world import ISSUER, NOW

HOSTILE = "<script>alert('1')</script>\"&\N{HEBREW LETTER ALEF}"


class Desk:
    """A browser in which a member of an organization is signed in; by default an administrator of the first one."""

    def __init__(self, live: Live, *roles: Role, organization_id: str | None = None) -> None:
        self.live = live
        where = organization_id or live.world.alder.organization_id
        email = f"{'-'.join(role.value for role in roles) or 'somebody'}@{where[4:]}.example.com".replace(
            " ", ""
        ).lower()

        def work(tx: Transaction) -> None:
            memberships.add(tx, where, add_person(tx, email).id, roles or [Role.ADMINISTRATOR], NOW)

        live.server.database.write(work)
        self.browser = Browser(live.url, ISSUER)
        self.browser.open("/settings")
        self.browser.submit(email=email, password=PASSWORD)

    @property
    def text(self) -> str:
        """The page, with characters where it has entities."""
        return html.unescape(self.browser.page.text)

    @property
    def status(self) -> int:
        """The status of the last answer."""
        return self.browser.page.status_code

    @property
    def path(self) -> str:
        """Where the browser is."""
        return self.browser.page.url.path

    def open(self, path: str) -> str:
        """Opens a page; returns its heading."""
        self.browser.open(path)
        return self.browser.heading()

    def fields(self, act: str) -> dict[str, str]:
        """Returns what the form of an act would send as it stands."""
        return next(one.fields for one in self.browser.forms() if one.fields.get("act") == act)

    def do(self, act: str, **fields: str) -> str:
        """Fills in the form of an act and sends it; returns the heading of the page that comes next."""
        forms = [one.fields.get("act") for one in self.browser.forms()]
        self.browser.submit(form=forms.index(act), **fields)
        return self.browser.heading()

    def part(self, identifier: str) -> str:
        """Returns the text of the element of an identifier, which has no elements inside."""
        found = re.search(rf'id="{identifier}"[^>]*>([^<]*)<', self.browser.page.text)
        assert found is not None, self.browser.page.text
        return html.unescape(found[1])

    def close(self) -> None:
        """Closes the browser."""
        self.browser.close()
