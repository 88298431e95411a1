"""Two clinics with everything that a settings page can show, and a browser for each role in the first."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import text

from rxauth.domain.webhooks import Keeper
from rxauth.edge.cookies import NAME
from rxauth.policy.roles import Role
from tests.api.documents import CREATE_TEMPLATE
from tests.api.management.connections import OPEN_ID
from tests.api.management.documents import facts, mutation
from tests.api.management.sign_ins import number
from tests.browsing import Browser
from tests.live import Live
from tests.token_holders import Holders
from tests.webhook_receiver import LOOPBACK
from tests.world import ISSUER

# What changes by itself, or because somebody looked or was refused.
_RESTLESS: Final = frozenset({"sessions", "kept_answers", "tallies", "access_records", "access_record_patients"})
_ID: Final = re.compile(r"\b([a-z]{2,4})_[0-9A-HJKMNP-TV-Z]{26}\b")


@dataclass
class Place:
    """One clinic. parts: what the paths of pages name, by their names; people: user identifiers by role."""

    organization_id: str
    people: dict[Role, str] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)
    token: str = field(default="", repr=False)

    @property
    def ids(self) -> dict[str, str]:
        """What the clinic has, by the prefixes of identifiers."""
        found = {match[1]: value for value in self.parts.values() if (match := _ID.fullmatch(value))}
        return found | {"org": self.organization_id}


class Furnished:
    """A server with the two clinics."""

    def __init__(self, live: Live) -> None:
        self.live = live
        live.edge.api.keeper = Keeper(live.server.sealing_key, LOOPBACK)
        self.alder = self._furnish(live.world.alder.organization_id)
        self.birch = self._furnish(live.world.birch.organization_id)
        number(live)
        for place in (self.alder, self.birch):
            place.parts["entry_id"] = self._ask(place, "{ auditEntries { entries { id } } }")["entries"][0]["id"]
        self._browsers: list[Browser] = []

    def browser(self, *roles: Role, user_id: str | None = None) -> Browser:
        """Returns a browser in which a new member of Alder Clinic is signed in, with two factors a moment ago."""
        holders = Holders(self.live, self.alder.organization_id)
        holders._people = 100 + len(self._browsers)
        _session, handle = holders.session(user_id or holders.person(*roles), ("pwd", "otp"))
        browser = Browser(self.live.url, ISSUER)
        browser.cookies[NAME] = handle
        self._browsers.append(browser)
        return browser

    def path(self, path: str, place: Place | None = None, *, is_absent: bool = False) -> str:
        """Fills the parts of a path in with what a clinic has, or with identifiers that nothing has."""
        place = place or self.alder
        parts = dict(place.parts)
        if path.endswith("/{user_id}/propose"):  # whoever has an authority is not proposed
            parts["user_id"] = place.people[Role.STAFF]
        named = {name: f"{value[:-6]}ABCDEF" if is_absent else value for name, value in parts.items()}
        return re.sub(r"\{(\w+)\}", lambda found: named[found[1]], path)

    def foreign(self, fields: Mapping[str, str]) -> dict[str, str]:
        """Returns a form's fields with the other clinic's identifiers in the place of this one's."""
        theirs = self.birch.ids
        return {
            name: _ID.sub(lambda found: theirs.get(found[1], found[0]), value) if name != "once" else value
            for name, value in fields.items()
        }

    def rows(self, organization_id: str | None = None) -> dict[str, list[tuple[Any, ...]]]:
        """Returns every row that there is, or those of a clinic, but what changes because somebody looked."""
        from rxauth.storage.tables.metadata import metadata

        found = {}
        owner = self.live.world.owner()
        with owner.connect() as connection:
            for table in metadata.sorted_tables:
                if table.name in _RESTLESS or table.name.startswith("audit"):
                    continue
                if organization_id is not None and "organization_id" not in table.c:
                    continue
                statement = f"SELECT * FROM {table.name}"
                if organization_id is not None:
                    statement += f" WHERE organization_id = '{organization_id}'"
                found[table.name] = sorted(map(tuple, connection.execute(text(statement))), key=repr)
        owner.dispose()
        return found

    def close(self) -> None:
        """Closes every browser."""
        for browser in self._browsers:
            browser.close()

    def _furnish(self, organization_id: str) -> Place:
        holders = Holders(self.live, organization_id)
        place = Place(organization_id, {role: holders.person(role) for role in Role})
        place.people[Role.PRESCRIBER] = holders.provider()
        session, _ = holders.session(holders.provider(roles=tuple(Role)), ("pwd", "otp"))
        place.token = str(holders.redeemed(holders.code(session, audience=self.live.server.audience))["access_token"])
        place.parts["user_id"] = place.people[Role.PRESCRIBER]
        self._make(place)
        return place

    def _make(self, place: Place) -> None:
        """Makes one of each thing, over the API."""
        app = {"name": "Till", "appType": "spa", "redirectUrls": ["http://localhost:3999/"]}
        made = self._ask(place, "mutation($i: CreateAppInput!) { createApp(input: $i) { id } }", i=app)
        place.parts |= {"app_id": made["id"]}
        hook = 'mutation { addWebhook(url: "http://127.0.0.1:9/a", name: "Hook") { id } }'
        place.parts |= {"webhook_id": self._ask(place, hook)["id"]}
        sent = self._ask(place, "mutation($i: ID!) { sendTestWebhook(id: $i) { id } }", i=place.parts["webhook_id"])
        place.parts |= {"delivery_id": sent["id"]}
        connection = OPEN_ID | {"name": f"one-{place.organization_id[-6:].lower()}", "issuer": "https://127.0.0.1:9"}
        made = self._ask(
            place, "mutation($i: OpenIdConnectionInput!) { addOpenIdConnection(input: $i) { id } }", i=connection
        )
        place.parts |= {"connection_id": made["id"]}
        self._ask(place, 'mutation { createScimToken(name: "Directory") { id } }')
        invite = 'mutation { inviteUser(input: { email: "guest@example.net", roles: ["Support"] }) { id } }'
        place.parts |= {"invite_id": self._ask(place, invite)["id"]}
        secrets = "{ machineClient { secrets { id } } }"
        place.parts |= {"secret_id": self._ask(place, secrets)["secrets"][0]["id"]}
        domain = 'mutation { addDomain(name: "clinic.example") { id } }'
        place.parts |= {"domain_id": self._ask(place, domain)["id"]}
        place.parts |= {"patient_id": self._ask(place, "{ patients(first: 1) { id } }")[0]["id"]}
        place.parts |= {"catalog_id": self._ask(place, "{ catalog { id } }")["id"]}
        place.parts |= {"treatment": self._ask(place, "{ medications(first: 1) { id } }")[0]["id"]}
        template = {"catalogId": place.parts["catalog_id"], "treatmentId": place.parts["treatment"]}
        place.parts |= {"template_id": self._ask(place, CREATE_TEMPLATE, **template)["id"]}
        self._ask(place, mutation("changeProviderAuthority"), userId=place.parts["user_id"], facts=facts())

    def _ask(self, place: Place, document: str, **variables: Any) -> Any:
        [answer] = self.live.data(place.token, document, variables).values()
        return answer


def opened_by(roles: Iterable[Role], opens: Iterable[str]) -> bool:
    """Tells whether somebody with these roles may open a page."""
    from rxauth.policy.permissions import BY_NAME

    wanted = list(opens)
    return not wanted or any(not BY_NAME[name].roles.isdisjoint(roles) for name in wanted)
