"""The sorts of work that a load is made of: machines, keepers of their secrets, people, providers, and who decides."""

import time
from collections.abc import Callable
from typing import Any, Final

from tests.api.management.documents import mutation
from tests.faults.clinic import Clinic
from tests.faults.load import (
    CREATE_RX,
    CREATE_SECRET,
    REVOKE_SECRET,
    SECRETS,
    STANDING,
    Came,
    Client,
    Somebody,
    new_key,
)
from tests.faults.operations import OK
from tests.live import decode
from tests.world import AUDIENCE

PROVEN_FOR_S: Final = 120  # whoever decides about authority signs in anew after it
Work = Callable[[Client], None]


class Machine:
    """A backend: exchanges whatever secret it knows for a token, and uses that and older ones."""

    def __init__(self, *, reads: bool = True) -> None:
        self._reads = reads
        self._tokens: list[tuple[str, str]] = []  # with the secrets that they were issued with

    def __call__(self, client: Client) -> None:
        """Does it once."""
        secret_id, secret = client.chance.choice(list(client.targets.secrets.items()))
        body = {
            "grant_type": "client_credentials",
            "client_id": client.clinic.machine.client_id,
            "client_secret": secret,
            "audience": AUDIENCE,
        }

        def came(content: Any) -> Came:
            return Came(records=("token.issued", decode(content["access_token"])[1]["jti"]))

        heard = client.ask("token", client.form("/oauth/token", body), came, secret_id)
        if heard.outcome == OK:
            self._tokens = [(secret_id, heard.content["access_token"]), *self._tokens[:9]]
        used = self._tokens[:1] + client.chance.sample(self._tokens, min(2, len(self._tokens)))
        for its_secret, token in used if self._reads else []:
            client.use(token, its_secret)
        client.pause(client.chance.uniform(0, 0.1))


class Keeper:
    """An administrator who makes a new secret of the machine, and ends the one before."""

    def __init__(self) -> None:
        self._me: Somebody | None = None

    def __call__(self, client: Client) -> None:
        """Does it once."""
        self._me = _proven(client, self._me, client.clinic.ann)
        if self._me is None:
            return
        name = new_key("secret")

        def came(content: Any) -> Came:
            if content is None:
                return Came()
            made = content["createMachineSecret"]["id"]
            return Came(made, ("secret", made), ("secret.created", made))

        heard = client.insist(
            "make secret", client.graphql(self._me.access, CREATE_SECRET, name, name=name), came, spends=name
        )
        if heard.outcome == OK and heard.content is not None:
            made = heard.content["createMachineSecret"]
            client.targets.secrets[made["id"]] = made["secret"]
            client.pause(client.chance.uniform(0, 0.5))
        self._end_others(client, self._me)
        client.pause(client.chance.uniform(0, 1))

    def _end_others(self, client: Client, me: Somebody) -> None:
        """Ends every secret that works, but for the newest that somebody knows."""
        heard = client.insist("look", client.graphql(me.access, SECRETS), lambda _content: Came())
        if heard.outcome != OK:
            return
        works = [one["id"] for one in heard.content["machineClient"]["secrets"] if one["state"] == "WORKS"]
        known = [one for one in works if one in client.targets.secrets]
        for one in works:
            if one in known[:1]:
                continue
            client.targets.secrets.pop(one, None)
            self._end(client, me, one)

    def _end(self, client: Client, me: Somebody, secret_id: str) -> None:
        send = client.graphql(me.access, REVOKE_SECRET, new_key("revoke"), id=secret_id)
        came = Came(None, ("revoked secret", secret_id), ("secret.revoked", secret_id))
        client.insist("revoke secret", send, lambda _content: came, secret_id, f"end of {secret_id}")


class Person:
    """Somebody who signs in, refreshes, and whose application gives the authorization back; some codes are stolen."""

    def __init__(self, user_id: str, *, uses: bool = True) -> None:
        self._user_id = user_id
        self._uses = uses

    def __call__(self, client: Client) -> None:
        """Does it once."""
        if client.chance.random() < 0.2:
            client.sign_in(self._user_id, twice=True)
            return
        me = client.sign_in(self._user_id)
        if me is None:
            return
        spent = []
        for _ in range(client.chance.randrange(1, 5)):
            spent.append(me.refresh)
            if self._uses:
                client.use(me.access, me.family)
            if client.refresh(me).outcome != OK:
                return
            client.pause(client.chance.uniform(0, 0.05))
        is_stolen = client.chance.random() < 0.3 and len(spent) > 1
        if is_stolen:
            self._replay(client, me, spent[0])
        self._give_back(client, me, is_stolen=is_stolen)
        for _ in range(3 if self._uses else 0):
            client.use(me.access, me.family)
            client.pause(client.chance.uniform(0, 0.7))
        client.refresh(me)

    def _replay(self, client: Client, me: Somebody, spent: str) -> None:
        """Presents a token that two others came after: whoever has it stole it, and everything ends."""
        body = {**client.clinic.app.credentials, "grant_type": "refresh_token", "refresh_token": spent}
        client.ask("replay", client.form("/oauth/token", body), lambda _content: Came(), me.family)

    def _give_back(self, client: Client, me: Somebody, *, is_stolen: bool) -> None:
        body = {**client.clinic.app.credentials, "token": me.refresh}
        leaves = ("revoked family", me.family)
        records = None if is_stolen else ("authorization.revoked", me.family)
        send = client.form("/oauth/revoke", body)
        client.insist("revoke", send, lambda _content: Came(None, leaves, records), me.family, f"end of {me.family}")


class Prescriber:
    """A provider who prescribes, suspended or not, with a token that outlives it."""

    def __init__(self, user_id: str) -> None:
        self._user_id = user_id
        self._me: Somebody | None = None

    def __call__(self, client: Client) -> None:
        """Does it once."""
        if self._me is None:
            self._me = client.sign_in(self._user_id)
        if self._me is None:
            return
        key, clinic = new_key("rx"), client.clinic

        def came(content: Any) -> Came:
            written = content["createPrescription"]["id"]
            return Came(written, ("prescription", written), ("prescription.written", written))

        asked = {"patient": clinic.patient, "treatment": clinic.treatment, "external": key}
        send = client.graphql(self._me.access, CREATE_RX, key, **asked)
        heard = client.insist("prescribe", send, came, self._user_id, key)
        if heard.status == 401:
            self._me = None
        client.pause(client.chance.uniform(0, 0.05))


class Decider:
    """Two people who suspend a provider and restore them, as they find things."""

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._ann: Somebody | None = None
        self._bob: Somebody | None = None

    def __call__(self, client: Client) -> None:
        """Does the next step."""
        self._ann = _proven(client, self._ann, client.clinic.ann)
        self._bob = _proven(client, self._bob, client.clinic.bob)
        if self._ann is None or self._bob is None:
            return
        heard = client.insist(
            "look", client.graphql(self._ann.access, STANDING, userId=self._provider), lambda _content: Came()
        )
        if heard.outcome != OK:
            self._forget(heard.status)
            return
        found = heard.content["providerAuthority"]
        if found["state"] == "APPROVED":
            client.pause(client.chance.uniform(0, 0.5))
            self._act(client, self._bob, "suspend", "suspendProviderAuthority", "suspended", reason="REQUESTED")
            client.pause(client.chance.uniform(0, 0.2))
        elif found["proposal"] is None:
            self._act(client, self._ann, "ask", "askRestoreProviderAuthority", "restore_asked", facts=None)
        else:
            proposal = found["proposal"]["id"]
            second = self._bob if found["proposal"]["askedBy"] == self._ann.user_id else self._ann
            self._act(client, second, "restore", "approveProviderAuthority", "restored", proposalId=proposal)

    def _act(self, client: Client, who: Somebody, kind: str, name: str, event: str, **given: Any) -> None:
        key = new_key(kind)
        send = client.graphql(who.access, mutation(name), key, userId=self._provider, **given)
        records = (f"provider.{event}", self._provider)
        heard = client.insist(kind, send, lambda _content: Came(event, None, records), self._provider, key)
        self._forget(heard.status)

    def _forget(self, status: int) -> None:
        if status == 401:
            self._ann = self._bob = None


def everybody(clinic: Clinic) -> list[Work]:
    """Returns the work of a mixed load on a clinic."""
    return [
        Machine(),
        Machine(),
        Keeper(),
        *(Person(one) for one in (clinic.ann, clinic.bob)),
        *(Prescriber(one) for one in clinic.providers),
        *(Decider(one) for one in clinic.providers),
    ]


def _proven(client: Client, me: Somebody | None, user_id: str) -> Somebody | None:
    """Returns somebody who proved two factors lately."""
    if me is not None and time.monotonic() - me.signed_in_at < PROVEN_FOR_S:
        return me
    return client.sign_in(user_id)
