"""An organization's identity provider, as tests play it: a token, and requests with it."""

from collections.abc import Iterable
from typing import Any

import httpx
import msgspec
from sqlalchemy import select

from rxauth.domain import group_roles, scim_tokens, users
from rxauth.domain.domains import Domain
from rxauth.domain.scim_people import Settling
from rxauth.domain.scim_tokens import Wanted
from rxauth.domain.users import User
from rxauth.ids import Kind, new_id
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from rxauth.storage.tables.audit import audit_outbox
from rxauth.storage.tables.federation import domains
from rxauth.storage.tenancy import insert_row, sql
from tests.live import Live, http_client
from tests.people import add_person, outbox

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
DOMAIN = "clinic.example"
_OUTBOX = sql(select(audit_outbox.c.entry).order_by(audit_outbox.c.id), across_tenants="a test reads what was recorded")


class Provider:
    """The identity provider of an organization, Alder Clinic unless another is named."""

    def __init__(self, live: Live, organization_id: str | None = None, name: str = "provider") -> None:
        self.live = live
        self.organization_id = organization_id or live.world.alder.organization_id
        now = live.clock.seconds()

        def make(tx: Transaction) -> tuple[scim_tokens.ScimToken, str]:
            keeper = add_person(tx, f"{name}-keeper-{self.organization_id}@keepers.example", None)
            return scim_tokens.make(tx, self.organization_id, Wanted(name, keeper.id), now)

        self.token, self.text = self.write(make)
        self.http = http_client(
            base_url=f"{live.url}/scim/v2/",
            headers={"authorization": f"Bearer {self.text}", "content-type": "application/scim+json"},
            timeout=30,
        )

    def write(self, work: Any) -> Any:
        """Writes to the server's own database, as an endpoint does."""
        return self.live.server.database.write(work)

    def own(self, domain: str = DOMAIN) -> None:
        """Has the organization have proved a domain."""
        now = self.live.clock.seconds()
        proved = Domain(new_id(Kind.DOMAIN, now * 1000), self.organization_id, domain, "c", None, now, now, now)
        self.write(lambda tx: tx.run(insert_row(domains), **{one: getattr(proved, one) for one in Domain.__slots__}))

    def give(self, **groups: Iterable[Role]) -> None:
        """Has groups give roles; everybody: whoever is sent."""
        named = {name if name != "everybody" else "*": roles for name, roles in groups.items()}
        self.write(lambda tx: group_roles.replace(tx, self.organization_id, group_roles.SCIM, named))

    def create(self, user_name: str, **said: Any) -> dict[str, Any]:
        """Makes a user with a name and an address, unless it is said otherwise."""
        answer = self.post_user(user_name, **said)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def post_user(self, user_name: str, **said: Any) -> httpx.Response:
        """Sends a new user."""
        name = {"givenName": "Mona", "familyName": "Reyes"}
        emails = [{"value": user_name, "type": "work", "primary": True}] if "@" in user_name else []
        body = {"schemas": [USER], "userName": user_name, "name": name, "emails": emails, "active": True} | said
        return self.http.post("Users", json=body)

    def group(self, name: str, *members: str, **said: Any) -> dict[str, Any]:
        """Makes a group."""
        body = {"schemas": [GROUP], "displayName": name, "members": [{"value": one} for one in members]} | said
        answer = self.http.post("Groups", json=body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def patch(self, path: str, *operations: dict[str, Any], **headers: str) -> httpx.Response:
        """Sends operations."""
        return self.http.patch(path, json={"schemas": [PATCH], "Operations": list(operations)}, headers=headers)

    def find(self, path: str = "Users", **query: Any) -> dict[str, Any]:
        """Lists what there is."""
        answer = self.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def names(self, **query: Any) -> list[str]:
        """Lists user names."""
        return [one["userName"] for one in self.find(**query)["Resources"]]

    def person(self, email: str) -> User:
        """Returns who has an address."""
        found: User | None = self.live.server.database.read(lambda tx: users.find_by_email(tx, email))
        assert found is not None
        return found

    def recorded(self) -> list[dict[str, Any]]:
        """Returns what waits for the audit log."""
        rows = self.live.server.database.read(lambda tx: tx.all(_OUTBOX))
        return [msgspec.json.decode(row.entry) for row in rows]

    def settle(self) -> None:
        """Does what a server does once a minute."""
        settling = Settling(outbox(self.live.world))
        while self.write(lambda tx: settling.settle_some(tx, self.live.clock.seconds())):
            pass
