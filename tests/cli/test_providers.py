"""`providers` and `organizations provider-rules`: the operator is one of two people, and is told what comes next."""

import re
from datetime import date

import msgspec
import pytest
from sqlalchemy import select

from rxauth.domain import organizations, provider_acts, provider_facts, providers
from rxauth.domain.provider_facts import HeldLicence
from rxauth.domain.users import User
from rxauth.policy.authority import State
from rxauth.policy.roles import Role
from rxauth.storage.tables.audit import audit_outbox
from rxauth.storage.tenancy import sql
from tests.cli.command_line import CommandLine
from tests.cli.test_people import read, write
from tests.providers import EVIDENCE as CHECKED
from tests.providers import NPI, add_member, as_doer, facts
from tests.world import World

LICENCE = ("--licence", "NY:123456:2099-01-31")
EVIDENCE = ("--source", "the board's website", "--reference", "page 1", "--checked-on", "2026-01-02")
WAITS = "It waits 7 days for a second person, who approves it in the organization.\n"
_LOG = sql(select(audit_outbox.c.entry).order_by(audit_outbox.c.id))


@pytest.fixture
def ada(sqlite_world: World) -> User:
    """The only member of Alder Clinic."""
    alder = sqlite_world.alder.organization_id
    return write(sqlite_world, lambda tx: add_member(tx, alder, "ada@alder.example", Role.ADMINISTRATOR))  # type: ignore[no-any-return]


def refusals(world: World) -> list[str]:
    """Returns the codes of the refused acts that were recorded."""
    entries = [msgspec.json.decode(row.entry) for row in read(world, lambda tx: tx.all(_LOG))]
    return [one["reason"] for one in entries if one["event"] == "provider.refused"]


def propose(command_line: CommandLine, world: World, user: User, *more: str, act: str = "propose") -> str:
    """Proposes somebody; returns the proposal."""
    organization = world.alder.organization_id
    asked = ["providers", act, organization, user.id, "--npi", NPI, *LICENCE, *EVIDENCE, *more]
    code, printed, said = command_line(world.settings, *asked)
    assert (code, said) == (0, WAITS), said
    assert re.fullmatch(r"prp_\w{26}\n", printed)
    return printed.strip()


def test_the_operator_proposes_and_a_member_approves(command_line: CommandLine, sqlite_world: World, ada: User) -> None:
    alder = sqlite_world.alder.organization_id
    ben = write(sqlite_world, lambda tx: add_member(tx, alder, "ben@alder.example", Role.STAFF))
    registration = ("--registration", "ap5836727:NY:2,3:2098-01-31", "--until", "2090-01-01")
    proposal = propose(command_line, sqlite_world, ben, *registration)
    shown = command_line(sqlite_world.settings, "providers", "show", alder, ben.id)[1].splitlines()
    assert shown[0].startswith("prescribes   no: ")
    assert shown[1] == "state        proposed"
    assert next(line for line in shown if line.startswith("waiting")).startswith(
        f"waiting      propose {proposal}, by operator on "
    )
    checked = "checked against the board's website (page 1) on 2026-01-02 00:00:00 UTC"
    assert f"  npi          {NPI}, {checked}" in shown
    assert f"  licence      NY 123456, active until 2099-01-31, {checked}" in shown
    assert f"  registration AP5836727 NY, 2 3, active until 2098-01-31, {checked}" in shown
    assert "  ends         2090-01-01 00:00:00 UTC" in shown

    [said] = command_line.fail(sqlite_world.settings, "providers", "approve", alder, ben.id, proposal)
    assert said == (
        "whoever proposed it cannot approve it: that takes a second person (same_person). "
        f"Where it stands: rxauth providers show {alder} {ben.id}"
    )
    assert refusals(sqlite_world) == ["same_person"]
    found = read(sqlite_world, lambda tx: providers.find(tx, alder, ben.id))
    at = found.proposal.asked_at
    write(
        sqlite_world,
        lambda tx: provider_acts.approve(tx, alder, ben.id, proposal, doer=as_doer(ada, at), now=at),
    )

    shown = command_line(sqlite_world.settings, "providers", "show", alder, ben.id)[1].splitlines()
    assert shown[:2] == ["prescribes   yes, with write:prescription in every token", "state        approved"]
    assert shown[2].endswith(f"by operator and {ada.id}")
    assert "Prescriber, Staff" in command_line(sqlite_world.settings, "people", "list", alder)[1]


def test_the_operator_is_the_second_in_an_organization_of_one(
    command_line: CommandLine, sqlite_world: World, ada: User
) -> None:
    alder = sqlite_world.alder.organization_id
    proposal = propose(command_line, sqlite_world, ada)
    reject = ["providers", "reject", alder, ada.id, proposal, "--reason", "mistaken"]
    assert command_line(sqlite_world.settings, *reject) == (0, f"{proposal} is rejected.\n", "")
    at = read(sqlite_world, lambda tx: providers.find(tx, alder, ada.id)).changed_at
    given = facts([HeldLicence(provider_facts.licence("NY", "123456", "active", date(2099, 1, 31)), CHECKED)])
    asked = write(
        sqlite_world, lambda tx: provider_acts.propose(tx, alder, ada.id, given, doer=as_doer(ada, at), now=at)
    )
    approved = command_line(sqlite_world.settings, "providers", "approve", alder, ada.id, asked.proposal.id)
    assert approved == (0, f"{ada.id} may prescribe for {alder}.\n", "")

    limit = ["providers", "limit", alder, ada.id, "NY", "123456", "--status", "suspended"]
    limited = command_line(sqlite_world.settings, *limit)
    assert limited == (0, "The licence in NY is suspended.\n", "")
    shown = command_line(sqlite_world.settings, "providers", "show", alder, ada.id)[1]
    assert shown.startswith("prescribes   no: licence NY 123456 is suspended\n")

    propose(command_line, sqlite_world, ada, act="change")
    suspended = command_line(sqlite_world.settings, "providers", "suspend", alder, ada.id, "--reason", "requested")
    assert suspended == (
        0,
        f"{ada.id} is suspended. To give it back: rxauth providers restore {alder} {ada.id}\n",
        "",
    )
    code, printed, said = command_line(sqlite_world.settings, "providers", "restore", alder, ada.id)
    assert (code, said) == (0, WAITS)
    header, row = command_line(sqlite_world.settings, "providers", "list", alder)[1].splitlines()
    assert re.split(" {2,}", header) == ["PROVIDER", "STATE", "REASON", "LICENCES", "WAITING", "CHANGED"]
    assert re.split(" {2,}", row)[:5] == [ada.id, "suspended", "requested", "NY", printed.strip()]
    revoked = command_line(sqlite_world.settings, "providers", "revoke", alder, ada.id)
    assert revoked == (0, f"The authority of {ada.id} is revoked.\n", "")
    assert read(sqlite_world, lambda tx: providers.find(tx, alder, ada.id)).state is State.REVOKED


MISTYPED = {
    "a licence without a day": ((*LICENCE, "--licence", "NY:1"), "a licence is STATE:NUMBER:EXPIRES"),
    "a licence of no state": (("--licence", "XX:1:2099-01-01"), "a state is two capital letters"),
    "a licence until no day": (("--licence", "NY:1:31.12.2099"), "a day is written as YYYY-MM-DD"),
    "a licence with no status": (("--licence", "NY:1:2099-01-01:fine"), "the status is one of active, "),
    "a licence without a number": (("--licence", "NY::2099-01-01"), "the number of a licence is blank"),
    "a registration without schedules": ((*LICENCE, "--registration", "AP5836727:NY"), "a registration is NUMBER"),
    "a registration of no such schedule": (
        (*LICENCE, "--registration", "AP5836727:NY:7:2099-01-01"),
        "the schedules of a registration are",
    ),
    "a DEA number with a wrong digit": (
        (*LICENCE, "--registration", "AP5836728:NY:2:2099-01-01"),
        "the DEA number's last digit does not fit",
    ),
    "an NPI with a wrong digit": ((*LICENCE, "--npi", "1234567890"), "the NPI's last digit does not fit"),
    "a day in the future": ((*LICENCE, "--source", "a board", "--checked-on", "2099-01-01"), "nothing is checked in"),
}


@pytest.mark.parametrize("wrong", MISTYPED)
def test_what_is_mistyped_is_told_and_not_repeated(
    command_line: CommandLine, sqlite_world: World, ada: User, wrong: str
) -> None:
    typed, expected = MISTYPED[wrong]
    asked = ["providers", "propose", sqlite_world.alder.organization_id, ada.id, "--npi", NPI, *typed]
    [said] = command_line.fail(sqlite_world.settings, *asked)
    assert said.startswith(expected)
    assert not re.search(r"\d{6}", said.partition("such as")[0])


def test_who_is_no_provider_is_told_what_to_do(command_line: CommandLine, sqlite_world: World, ada: User) -> None:
    alder = sqlite_world.alder.organization_id
    none_yet = "There is none yet: rxauth providers propose ORGANIZATION USER\n"
    assert command_line(sqlite_world.settings, "providers", "list", alder) == (0, none_yet, "")
    shown = command_line(sqlite_world.settings, "providers", "show", alder, ada.id)
    assert shown == (0, "prescribes   no: this person does not have the Prescriber role\n", "")
    assert command_line.fail(sqlite_world.settings, "providers", "show", alder, "usr_none") == [
        f"usr_none is no member of {alder}"
    ]
    assert command_line.fail(sqlite_world.settings, "providers", "list", "org_none") == [
        "there is no organization org_none"
    ]
    [said] = command_line.fail(sqlite_world.settings, "providers", "suspend", alder, ada.id)
    assert said.startswith("an authority that is not proposed cannot have this act (wrong_state). Where it stands: ")
    assert refusals(sqlite_world) == ["wrong_state"]


def test_a_role_that_waits_is_said_to_wait(command_line: CommandLine, sqlite_world: World) -> None:
    alder = sqlite_world.alder.organization_id
    write(sqlite_world, lambda tx: add_member(tx, alder, "ben@alder.example", Role.PRESCRIBER, Role.STAFF))
    asked = ["people", "invite", alder, "cleo@alder.example", "--role", "Prescriber"]
    said = command_line(sqlite_world.settings, *asked)[2]
    assert said.endswith("Prescriber gives nothing until authority is given: rxauth providers propose\n")
    _, ben, cleo = command_line(sqlite_world.settings, "people", "list", alder)[1].splitlines()
    assert re.split(" {2,}", ben)[2] == "Prescriber (waits for authority), Staff"
    assert re.split(" {2,}", cleo)[2] == "Prescriber (waits for authority)"


def test_an_organization_has_rules_for_its_providers(command_line: CommandLine, sqlite_world: World) -> None:
    alder = sqlite_world.alder.organization_id
    asked = ["organizations", "provider-rules", alder, "--solo", "--home-state", "NY", "--signing-age", "5"]
    code, printed, said = command_line(sqlite_world.settings, *asked)
    assert (code, said) == (0, "")
    assert printed.splitlines() == [
        "A provider may be the second person for their own authority.",
        "A patient whose state nobody knows is in NY.",
        "Signing asks for two factors of the last 5 minutes.",
    ]
    found = read(sqlite_world, lambda tx: organizations.find(tx, alder))
    assert (found.solo_authority, found.home_state, found.signing_max_age_s) == (True, "NY", 300)

    assert command_line(sqlite_world.settings, "organizations", "provider-rules", alder)[1].splitlines() == [
        "A provider may not be the second person for their own authority.",
        "A patient whose state nobody knows is not prescribed for.",
        "Signing asks for nothing more.",
    ]
    asked = ["organizations", "provider-rules", alder, "--home-state", "Ohio"]
    assert command_line.fail(sqlite_world.settings, *asked) == ["a state is two capital letters, such as NY"]
    asked = ["organizations", "provider-rules", alder, "--signing-age", "2000"]
    assert command_line.fail(sqlite_world.settings, *asked) == [
        "whoever signs proved who they are 1 to 86400 seconds ago"
    ]
