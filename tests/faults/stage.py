"""A world whose database notes what happens in it: providers, and two people who take and give their authority."""

import datetime
import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from rxauth.domain import provider_acts, provider_facts
from rxauth.domain.provider_acts import Reason
from rxauth.domain.provider_facts import Facts, HeldLicence, Verification
from rxauth.domain.providers import Provider
from rxauth.policy.authority import PERMISSIONS, Doer
from rxauth.policy.roles import Role
from rxauth.storage.database import Database
from tests.faults import kept
from tests.faults.history import GIVE, TAKE
from tests.faults.race import Race
from tests.live import Live, decode
from tests.token_holders import Holders
from tests.world import StandingClock, World

PROVIDERS = 2
LICENCE = ("NY", "123456")
ADD_PATIENT = """mutation { createPatient(name: {first: "A", last: "Patient"}, dateOfBirth: "1950-01-01", sex: UNKNOWN,
    phone: "+12025550177", address: {street1: "1 Main St", city: "Albany", state: "NY", postalCode: "12207",
    country: "US"}) { id } }"""
MEDICATIONS = '{ medications(filter: {drug: {name: "lisinopril"}}) { id } }'
# How authority is taken: the act, what it is given, the audit event, and the act that asks for it back.
TAKINGS: list[tuple[Callable[..., Provider], tuple[object, ...], str, Callable[..., Provider]]] = [
    (provider_acts.suspend, (Reason.REQUESTED,), "provider.suspended", provider_acts.ask_restore),
    (provider_acts.limit, (LICENCE, "suspended"), "provider.limited", provider_acts.ask_change),
]


@dataclass
class Stage:
    """What a race is run on. tokens: by provider, as the server issued them; they outlive every suspension."""

    world: World
    live: Live
    database: Database
    organization_id: str
    ann: str
    bob: str
    patient: str
    treatment: str
    tokens: dict[str, str] = field(default_factory=dict)

    def give(self, provider: str, ask: Callable[..., Provider]) -> None:
        """Has two people give authority."""
        evidence = Verification("the state board", None, int(time.time()), "")
        licence = provider_facts.licence(*LICENCE, "active", datetime.date(2028, 12, 31))
        facts = Facts("1234567893", evidence, (HeldLicence(licence, evidence),))
        proposed = self._act(ask, provider, facts, who=self.ann).proposal
        assert proposed is not None
        self._act(provider_acts.approve, provider, proposed.id, who=self.bob)

    def take_and_give(self, race: Race, provider: str, chance: random.Random) -> None:
        """Takes authority in one way or another, waits a moment, and gives it back."""
        take, given, event, ask = chance.choice(TAKINGS)

        def taken() -> tuple[str, bool]:
            self._act(take, provider, *given, who=self.bob)
            return event, False

        def restored() -> tuple[str, bool]:
            self.give(provider, ask)
            return "given", False

        race.call(TAKE, provider, taken)
        time.sleep(chance.uniform(0, 0.15))
        race.call(GIVE, provider, restored)
        time.sleep(chance.uniform(0, 0.3))

    def _act(self, act: Callable[..., Provider], provider: str, *given: object, who: str) -> Provider:
        """Does an act of somebody with a fresh second factor."""
        now = int(time.time())
        doer = Doer(who, frozenset(PERMISSIONS.values()), now)
        return self.database.write(lambda tx: act(tx, self.organization_id, provider, *given, doer=doer, now=now))


@contextmanager
def staged(world: World) -> Iterator[Stage]:
    """Prepares a world on PostgreSQL for a race."""
    kept.install(world)
    with ExitStack() as stack:
        database = world.open()
        stack.callback(database.close)
        live = Live(world, StandingClock(int(time.time())))
        stack.callback(live.stop)
        holders = Holders(live)
        ann, bob, *people = (holders.person(Role.ADMINISTRATOR) for _ in range(2 + PROVIDERS))
        machine = live.token(world.alder)
        patient = live.data(machine, ADD_PATIENT)["createPatient"]["id"]
        treatment = live.data(machine, MEDICATIONS)["medications"][0]["id"]
        stage = Stage(world, live, database, holders.organization_id, ann, bob, patient, treatment)
        for one in people:
            stage.give(one, provider_acts.propose)
            live.clock.advance(time.time() - live.clock.seconds())
            stage.tokens[one] = str(holders.tokens(one)["access_token"])
            assert "write:prescription" in decode(stage.tokens[one])[1]["permissions"]
        yield stage
