"""The commands of the guides, typed as they stand and in their order, where each of them has something to do."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyotp
import pytest
from sqlalchemy import select

from rxauth.clock import Clock
from rxauth.domain import factors, memberships, patients, provider_acts, providers, totp
from rxauth.domain.audit_sequencer import Sequencer
from rxauth.domain.nppes_file import COLUMNS
from rxauth.policy.roles import Role
from rxauth.storage.tables.webhooks import webhook_deliveries
from rxauth.storage.tenancy import sql
from tests.cli.command_line import CommandLine
from tests.domain.test_nppes_file import MAYA, line, of
from tests.people import add_person
from tests.providers import add_member, as_doer
from tests.webhook_receiver import Post, Receiver
from tests.world import NOW, StandingClock, World

GUIDES = Path(__file__).parents[2] / "docs" / "guides"
# A guide whose commands need more than an installation has a test of its own.
ELSEWHERE = {
    "backup": "contract/test_backup_guide.py",
    "pharmacy-network": "sandbox/test_pharmacy.py",
    "testing": "sandbox/test_minting.py",
}
_DELIVERIES = sql(select(webhook_deliveries.c.id), across_tenants="a test")
FIRST_STEPS = ("rxauth migrate", "rxauth serve", "rxauth clients create $(")


def commands(guide: str) -> list[str]:
    """Returns the commands of a guide. A block that has other programs too is typed in a test of its own."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", (GUIDES / f"{guide}.md").read_text(), re.DOTALL | re.MULTILINE)
    typed = [block.replace("\\\n", " ").splitlines() for block in blocks]
    ours = [one for lines in typed if all(line.startswith("rxauth ") for line in lines) for one in lines]
    return [one for one in ours if not one.startswith(FIRST_STEPS)]


SHOWN = {name: found for name in sorted(path.stem for path in GUIDES.glob("*.md")) if (found := commands(name))}


class Installation:
    """Alder Clinic, with what the guides' commands act on. What a command needs beforehand is done before it."""

    def __init__(self, world: World, clock: StandingClock, folder: Path) -> None:
        self.world, self._clock, self._folder = world, clock, folder
        self.database = world.open()
        self.values = self._filled()
        self.before: dict[str, Callable[[], None]] = {
            "rxauth providers suspend": self._approve,
            "rxauth webhooks": self._deliver,
            "rxauth nppes import": self._download,
            "rxauth people import": self._export,
        }

    def typed(self, command: str) -> list[str]:
        """Returns the words of a command, with this installation's identifiers, once it has something to do."""
        for beginning in list(self.before):
            if command.startswith(beginning):
                self.before.pop(beginning)()
        if command.startswith(("rxauth audit ", "rxauth doctor")):  # a server at work would have done it
            Sequencer(self.database, Clock(), self.world.settings.sealing_key, None).work_once(is_last=True)
        words = shlex.split(command, comments=True)[1:]
        return [self.values.get(word, word).replace(":2027-", ":2099-") for word in words]

    def _filled(self) -> dict[str, str]:
        alder = self.world.alder

        def work(tx: Any) -> tuple[str, str]:
            member = add_person(tx, "maya@alder.example")
            memberships.add(tx, alder.organization_id, member.id, [Role.STAFF], NOW)
            secret = totp.begin(tx, member.id, self.world.settings.sealing_key, NOW).secret
            factors.confirm_totp(tx, member.id, pyotp.TOTP(secret).at(NOW), self.world.settings.sealing_key, NOW)
            patient = patients.find(tx, alder.organization_id, "sample-001")
            assert patient is not None
            return member.id, patient.id

        member, patient = self.database.write(work)
        files = {
            name: str(self._folder / name) for name in ("audit.jsonl", "people.csv", "people.jsonl", "register.csv")
        }
        organization = dict.fromkeys(("ORGANIZATION_ID", "$ORGANIZATION", "org_…"), alder.organization_id)
        people = dict.fromkeys(("USER_ID", "$USER"), member)
        return (
            files
            | organization
            | people
            | {"CLIENT_ID": alder.client_id, "KEY_ID": self.world.current_key.key_id, "pat_…": patient}
        )

    def _approve(self) -> None:
        now = Clock().seconds()
        alder, provider = self.world.alder.organization_id, self.values["$USER"]

        def work(tx: Any) -> None:
            found = providers.find(tx, alder, provider)
            second = add_member(tx, alder, "ben@alder.example", Role.ADMINISTRATOR)
            assert found is not None
            assert found.proposal is not None
            provider_acts.approve(tx, alder, provider, found.proposal.id, doer=as_doer(second, now), now=now)

        self.database.write(work)

    def _deliver(self) -> None:
        receiver = Receiver(lambda _got: 400)
        post = Post(self.world, self._clock, self.database)
        self.values["whk_…"] = post.webhook(receiver.url).id
        post.happen("ord_1")
        post.happen("ord_2")
        post.deliver()
        receiver.stop()
        listed = self.database.read(lambda tx: tx.all(_DELIVERIES))
        self.values["dlv_…"] = str(listed[0].id)

    def _download(self) -> None:
        file = self._folder / "register.csv"
        known = MAYA | {"NPI": "1234567893"}
        file.write_text(line(COLUMNS) + line(of(known, COLUMNS)))
        self.values["NPPES_Data_Dissemination_November_2026.zip"] = str(file)

    def _export(self) -> None:
        (self._folder / "people.csv").write_text("email,first_name,last_name,roles\neve@alder.example,Eve,Ek,Staff\n")
        (self._folder / "people.jsonl").write_text(
            '{"email": "fay@alder.example", "first_name": "Fay", "last_name": "Fu", "roles": ["Staff"]}\n'
        )


def test_the_commands_of_every_other_guide_have_a_test_of_their_own() -> None:
    assert all((GUIDES.parents[1] / "tests" / file).exists() for file in ELSEWHERE.values())
    assert set(ELSEWHERE) <= set(SHOWN)


@pytest.mark.parametrize("guide", sorted(SHOWN.keys() - ELSEWHERE))
def test_every_command_of_a_guide_does_what_it_is_for(
    sqlite_world: World, clock: StandingClock, command_line: CommandLine, tmp_path: Path, guide: str
) -> None:
    there = Installation(sqlite_world, clock, tmp_path)
    for command in SHOWN[guide]:
        code, printed, error = command_line(sqlite_world.settings, *there.typed(command))
        assert code == 0, f"{guide}: {command}\n{printed}{error}"
    there.database.close()
