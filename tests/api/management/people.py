"""The people of a clinic who decide about a provider, each signed in with two factors a moment ago."""

from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy import bindparam, insert

from rxauth.domain import changes
from rxauth.domain.changes import ChangeKind
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from rxauth.storage.tables.access import client_permissions
from rxauth.storage.tenancy import sql
from tests.api.management.documents import AUTHORITY, facts, mutation
from tests.api.management.sign_ins import entries, token
from tests.live import Live
from tests.token_holders import Holders

_GIVE = sql(
    insert(client_permissions).values(
        organization_id=bindparam("organization_id"),
        client_id=bindparam("client_id"),
        permission=bindparam("permission"),
    )
)


@dataclass(frozen=True)
class Somebody:
    """A person, and a token of theirs."""

    id: str
    token: str


class Clinic:
    """Alder Clinic: somebody who proposes, somebody who approves, and somebody who is to prescribe."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.holders = Holders(live)
        self.staff = self.somebody(Role.STAFF)
        self.administrator = self.somebody(Role.ADMINISTRATOR)
        self.doctor = self.somebody(Role.SUPPORT)

    def somebody(self, *roles: Role, organization_id: str | None = None) -> Somebody:
        """Adds a member who signs in with two factors."""
        user_id = self.holders.person(*roles, organization_id=organization_id)
        changed: dict[str, Any] = {} if organization_id is None else {"organization_id": organization_id}
        session, _ = self.holders.session(user_id, ("pwd", "otp"))
        redeemed = self.holders.redeemed(self.holders.code(session, **changed))
        return Somebody(user_id, str(redeemed["access_token"]))

    def again(self, somebody: Somebody, *methods: str) -> Somebody:
        """Signs somebody in once more, with these methods or with two factors."""
        return Somebody(somebody.id, token(self.holders, somebody.id, methods or ("pwd", "otp")))

    def machine(self, *permissions: str) -> str:
        """Returns a token of the organization's machine, once it was given these permissions, or that to suspend."""
        tenant = self.live.world.alder

        def give(tx: Transaction) -> None:
            keys = {"organization_id": tenant.organization_id, "client_id": tenant.client_id}
            for permission in permissions or ("suspend:provider_authority",):
                tx.run(_GIVE, **keys, permission=permission)
            changes.record(tx, ChangeKind.CLIENT, tenant.client_id, self.live.clock.seconds())

        self.live.server.database.write(give)
        return self.live.token(tenant)

    def ask(self, who: Somebody | str, name: str, **variables: Any) -> httpx.Response:
        """Sends a mutation; about the doctor, unless it says about whom."""
        bearer = who if isinstance(who, str) else who.token
        return self.live.graphql(bearer, mutation(name), {"userId": self.doctor.id} | variables)

    def act(self, who: Somebody | str, name: str, **variables: Any) -> dict[str, Any]:
        """Sends a mutation that must succeed; returns the authority."""
        answer = self.ask(who, name, **variables)
        assert "errors" not in answer.json(), answer.text
        authority: dict[str, Any] = answer.json()["data"][name]
        return authority

    def propose(self, **changes: Any) -> str:
        """Has the staff propose the doctor; returns the proposal's identifier."""
        proposed = self.act(self.staff, "proposeProviderAuthority", **{"facts": facts()} | changes)
        return str(proposed["proposal"]["id"])

    def approve(self, proposal_id: str) -> dict[str, Any]:
        """Has the administrator approve."""
        return self.act(self.administrator, "approveProviderAuthority", proposalId=proposal_id)

    def authority(self, who: Somebody | None = None, about: Somebody | None = None) -> Any:
        """Returns the doctor's authority as somebody sees it."""
        document = f"query($userId: ID!) {{ providerAuthority(userId: $userId) {AUTHORITY} }}"
        reader, user = who or self.administrator, about or self.doctor
        return self.live.data(reader.token, document, {"userId": user.id})["providerAuthority"]

    def recorded(self, *events: str) -> list[dict[str, Any]]:
        """Returns what the log has of these events."""
        return entries(self.live, self.administrator.token, *events)
