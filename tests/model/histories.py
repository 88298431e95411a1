"""Random histories of one provider on a real server: each step is compared with the oracle, and each promise asked."""

import datetime
import json
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import bindparam, select

from rxauth.domain import memberships, provider_acts, provider_facts, providers
from rxauth.domain.provider_acts import Reason
from rxauth.domain.provider_facts import Facts, HeldLicence, Verification
from rxauth.domain.providers import AuthorityRefusedError, Provider
from rxauth.policy import authority, prescribing
from rxauth.policy.authority import Doer
from rxauth.policy.licences import LicenceStatus
from rxauth.policy.roles import Role
from rxauth.policy.subjects import Wish
from rxauth.storage.database import Transaction
from rxauth.storage.tables.clinical import prescriptions
from rxauth.storage.tenancy import sql
from tests.domain.test_audit import RECORDS
from tests.live import decode
from tests.model.oracle import ZONES, Doing, Given, Licence, Oracle
from tests.token_holders import Holders

Result = TypeVar("Result")
NPI = "1234567893"  # the published example
WRITE = "write:prescription"
NUMBER = "123456"
MEDICATIONS = '{ medications(filter: {drug: {name: "lisinopril"}}) { id } }'
EVERY = frozenset(authority.PERMISSIONS.values())
EVENTS = (
    *("proposed", "change_asked", "restore_asked", "approved", "changed", "restored"),
    *("rejected", "suspended", "revoked", "limited"),
)
CREATE = """mutation ($patient: ID!, $treatment: ID!) { createPrescription(patientId: $patient, treatmentId: $treatment,
    dispenseQuantity: 30, dispenseUnit: "Each", fillsAllowed: 1, daysSupply: 30, instructions: "one a day") { id } }"""
ADD_PATIENT = """mutation ($address: AddressInput) { createPatient(name: {first: "A", last: "Patient"}, sex: UNKNOWN,
    dateOfBirth: "1950-01-01", phone: "+12025550177", address: $address) { id } }"""
WRITTEN = sql(
    select(prescriptions.c.id, prescriptions.c.prescriber_id).where(
        prescriptions.c.organization_id == bindparam("organization_id")
    )
)
GIVEN = st.sampled_from([Given("NY", 365), Given("NY", 365), Given("NY", 0), Given("CA", 30), Given("NY", 30, False)])
DOING = st.builds(Doing, st.sampled_from(["ann", "bob", "bob", "provider"]), st.sampled_from([0, 0, 0, 300, 301, None]))


class ProviderHistory(RuleBasedStateMachine):
    """One provider; ann and bob, who are administrators like the provider; a machine; and time."""

    holders: Holders  # of the server that the histories are played on
    seen: Counter[str]  # what the histories came to, all together

    def __init__(self) -> None:
        super().__init__()
        self.live = self.holders.live
        self.organization_id = self.holders.organization_id
        self.ids = {who: self.holders.person(Role.ADMINISTRATOR) for who in ("ann", "bob", "provider")}
        self.provider = self.ids["provider"]
        self.oracle = Oracle("provider")
        self.machine = self.live.token(self.live.world.alder)
        self.patients = {state: self._patient(state) for state in ("NY", "CA", None)}
        self.treatment = self.live.data(self.machine, MEDICATIONS)["medications"][0]["id"]
        self.proposals: list[str] = []
        self.approval: tuple[str, str] | None = None
        self.written: set[str] = set()
        self.before = self._prescribers()
        self.since_us = self.live.clock.microseconds() + 1
        self.live.clock.advance(1)

    @property
    def now(self) -> int:
        """The server's clock."""
        return self.live.clock.seconds()

    def _patient(self, state: str | None) -> str:
        address = {"street1": "1 Main St", "city": "A city", "state": state, "postalCode": "10001", "country": "US"}
        data = self.live.data(self.machine, ADD_PATIENT, {"address": address if state else None})
        return str(data["createPatient"]["id"])

    @initialize(is_approved=st.sampled_from([True, True, False]))
    def begin(self, is_approved: bool) -> None:
        """Begins with an authority or without: what gives it is one way out of very many."""
        if is_approved:
            self.ask("propose", Doing("ann", 0), Given("NY", 365))
            self.approve(Doing("bob", 0), 0)

    @rule(seconds=st.sampled_from([60, 301, 43_200, 86_400, 7 * 86_400]))
    def pass_time(self, seconds: int) -> None:
        """Moves the clock."""
        self.live.clock.advance(seconds)

    @rule(kind=st.sampled_from(["propose", "propose", "ask_change", "ask_restore"]), doing=DOING, given=GIVEN)
    def ask(self, kind: str, doing: Doing, given: Given) -> None:
        """Somebody proposes."""
        today = datetime.datetime.fromtimestamp(self.now, ZONES[given.state]).date()
        licence = Licence(given.state, today + datetime.timedelta(given.days), given.is_verified)
        found = self._act(getattr(provider_acts, kind), self._facts(licence), doing=doing)
        assert (found is not None) == self.oracle.ask(kind, doing, licence, self.now)
        if found is not None and found.proposal is not None:
            self.proposals.append(found.proposal.id)

    @precondition(lambda self: self.proposals)
    @rule(doing=DOING, back=st.sampled_from([0, 0, 0, 1]))
    def approve(self, doing: Doing, back: int) -> None:
        """Somebody approves what was proposed last, or before that."""
        number, is_current = self._named(back)
        found = self._act(provider_acts.approve, number, doing=doing)
        first = "" if self.oracle.waiting is None else self.ids[self.oracle.waiting.by]
        assert (found is not None) == self.oracle.approve(doing, is_current=is_current, now=self.now)
        if found is not None:
            self.approval = (first, self.ids[doing.who])

    @precondition(lambda self: self.proposals)
    @rule(doing=DOING, back=st.sampled_from([0, 0, 1]))
    def reject(self, doing: Doing, back: int) -> None:
        """Somebody rejects what was proposed last, or before that."""
        number, is_current = self._named(back)
        found = self._act(provider_acts.reject, number, Reason.OTHER, doing=doing)
        assert (found is not None) == self.oracle.reject(is_current=is_current, now=self.now)

    @rule(who=st.sampled_from(["ann", "a machine"]))
    def suspend(self, who: str) -> None:
        """Somebody, or a machine, takes authority away."""
        found = self._act(provider_acts.suspend, Reason.REQUESTED, doing=Doing(who, None))
        assert (found is not None) == self.oracle.suspend()

    @rule()
    def revoke(self) -> None:
        """Somebody ends the authority."""
        found = self._act(provider_acts.revoke, Reason.REQUESTED, doing=Doing("bob", None))
        assert (found is not None) == self.oracle.revoke()

    @precondition(lambda self: self.oracle.licence is not None)
    @rule()
    def limit(self) -> None:
        """The board suspends the licence, and somebody says so."""
        held = ("" if self.oracle.licence is None else self.oracle.licence.state, NUMBER)
        found = self._act(provider_acts.limit, held, LicenceStatus.SUSPENDED, doing=Doing("ann", None))
        assert (found is not None) == self.oracle.limit()

    @precondition(lambda self: self.oracle.has_role)
    @rule()
    def take_role(self) -> None:
        """An administrator takes the role away."""
        self._write(lambda tx: memberships.set_roles(tx, *self._who, [Role.ADMINISTRATOR], self.now))
        self.oracle.has_role = False

    @rule()
    def give_role(self) -> None:
        """An administrator gives the role, which is refused to whoever has no authority that it goes with."""
        roles = [Role.ADMINISTRATOR, Role.PRESCRIBER]
        may = self.oracle.has_role or self.oracle.state in {"approved", "suspended"}
        try:
            self._write(lambda tx: memberships.set_roles(tx, *self._who, roles, self.now))
            self.oracle.has_role = True
        except AuthorityRefusedError:
            assert not may
        assert self.oracle.has_role == may

    @rule(state=st.sampled_from(["NY", "NY", "CA", None]))
    def prescribe(self, state: str | None) -> None:
        """The provider prescribes, with a token that says write:prescription whatever the server put in it."""
        issued = self.holders.tokens(self.provider)["access_token"]
        claims = decode(issued)[1]
        assert (WRITE in claims["permissions"]) == self.oracle.may_prescribe(None, self.now)
        token = self.live.sign(claims | {"permissions": [*claims["permissions"], WRITE]})
        made = self._prescribe(token, state)
        self.seen["prescription refused" if made is None else "prescription written"] += 1
        assert (made is not None) == (state is not None and self.oracle.may_prescribe(state, self.now))
        if made is not None:
            self.written.add(made)

    @rule(who=st.sampled_from(["a machine", "ann"]))
    def prescribe_as_somebody_else(self, who: str) -> None:
        """A machine, or another person, tries with a token that says write:prescription."""
        alder = self.live.world.alder
        issued = self.live.token(alder) if who == "a machine" else self.holders.tokens(self.ids[who])["access_token"]
        claims = decode(issued)[1]
        assert WRITE not in claims["permissions"]
        assert self._prescribe(self.live.sign(claims | {"permissions": [*claims["permissions"], WRITE]}), "NY") is None

    @invariant()
    def two_people_gave_it(self) -> None:
        """Promise 1: two people, and neither of them the provider as the second."""
        found = self._read(lambda tx: providers.find(tx, *self._who))
        assert (found.state if found else "none") == self.oracle.state
        if found is not None and found.state == "approved":
            assert (found.proposed_by, found.approved_by) == self.approval
            assert found.proposed_by != found.approved_by != self.provider

    @invariant()
    def facts_hold_wherever_one_may_prescribe(self) -> None:
        """Promise 2, asked of what a prescription would read."""
        subject = self._write(lambda tx: providers.subject_for_writing(tx, *self._who))
        assert subject is not None
        for state in ("NY", "CA"):
            may = prescribing.judge(subject, Wish("pat_1", "med_1", state, None), self.now) is None
            assert may == self.oracle.may_prescribe(state, self.now)

    @invariant()
    def nothing_else_was_written(self) -> None:
        """Promises 3 and 5: every prescription is one that the oracle allowed when it was made, to this provider."""
        assert self._prescribers() == self.before | dict.fromkeys(self.written, self.provider)

    @invariant()
    def everything_is_recorded_once(self) -> None:
        """Promise 4: one entry for each act, also for those that were refused."""
        rows = self._read(lambda tx: tx.all(RECORDS, since_us=self.since_us))
        found = [json.loads(row.entry) for row in rows]
        events = Counter(one["event"] for one in found if one["target"] == self.provider)
        assert {one: events[f"provider.{one}"] for one in EVENTS} == {one: self.oracle.recorded[one] for one in EVENTS}
        assert {one["target"] for one in found if one["event"] == "prescription.written"} == self.written

    def _prescribers(self) -> dict[str, str]:
        rows = self._read(lambda tx: tx.all(WRITTEN, organization_id=self.organization_id))
        return {row.id: row.prescriber_id for row in rows}

    @property
    def _who(self) -> tuple[str, str]:
        return self.organization_id, self.provider

    def _doer(self, doing: Doing) -> Doer:
        if doing.who == "a machine":
            return Doer(None, EVERY, client_id=self.live.world.alder.client_id)
        proven_at = None if doing.factor_age_s is None else self.now - doing.factor_age_s
        return Doer(self.ids[doing.who], EVERY, proven_at)

    def _facts(self, licence: Licence) -> Facts:
        evidence = Verification("the state board", None, self.now, "")
        one = provider_facts.licence(licence.state, NUMBER, LicenceStatus.ACTIVE, licence.expires_on)
        return Facts(NPI, evidence, (HeldLicence(one, evidence if licence.is_verified else None),))

    def _named(self, back: int) -> tuple[str, bool]:
        """Returns the identifier of a proposal, and whether it is the one that waits."""
        place = max(0, len(self.proposals) - 1 - back)
        return self.proposals[place], place == len(self.proposals) - 1

    def _act(self, act: Callable[..., Provider], *given: Any, doing: Doing) -> Provider | None:
        """Does an act as an endpoint does; None: it was refused."""
        doer = self._doer(doing)
        try:
            done = self._write(lambda tx: act(tx, *self._who, *given, doer=doer, now=self.now))
        except AuthorityRefusedError:
            self.seen["act refused"] += 1
            return None
        self.seen[act.__name__] += 1
        return done

    def _prescribe(self, token: str, state: str | None) -> str | None:
        answer = self.live.graphql(token, CREATE, {"patient": self.patients[state], "treatment": self.treatment})
        content = answer.json()
        if "errors" not in content:
            return str(content["data"]["createPrescription"]["id"])
        assert content["errors"][0]["extensions"]["code"] in {"FORBIDDEN", "PATIENT_STATE_UNKNOWN"}, content
        return None

    def _write(self, work: Callable[[Transaction], Result]) -> Result:
        return self.live.server.database.write(work)

    def _read(self, work: Callable[[Transaction], Result]) -> Result:
        return self.live.server.database.read(work)
