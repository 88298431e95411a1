"""Acts on members that meet: of two administrators who remove each other, one stays."""

from collections.abc import Iterator

import pytest

from rxauth.domain import administrators, member_acts, memberships
from rxauth.domain.member_acts import GIVE_ROLES, MemberRefusedError
from rxauth.domain.users import User
from rxauth.policy.authority import Doer
from rxauth.policy.roles import Role
from rxauth.storage.database import Database, Transaction
from tests.people import add_person, one_after_the_other, outbox
from tests.world import NOW, World


@pytest.fixture
def database(world: World) -> Iterator[Database]:
    """A world's database."""
    opened = world.open()
    yield opened
    opened.close()


@pytest.fixture
def people(world: World, database: Database) -> tuple[User, User]:
    """Two administrators of Alder Clinic."""
    alder = world.alder.organization_id

    def work(tx: Transaction) -> tuple[User, User]:
        ada, ben = add_person(tx, "ada@alder.example", None), add_person(tx, "ben@alder.example", None)
        for one in (ada, ben):
            memberships.add(tx, alder, one.id, [Role.ADMINISTRATOR], NOW)
        return ada, ben

    return database.write(work)


@pytest.mark.parametrize("act", ["remove", "take the role"])
def test_m_17_of_two_administrators_who_act_on_each_other_at_once_one_stays(
    world: World, database: Database, people: tuple[User, User], act: str
) -> None:
    alder, waiting = world.alder.organization_id, list(people)

    def work(tx: Transaction) -> str:
        doer = waiting[0]
        other = next(one for one in people if one is not doer)
        attempt = member_acts.begin(tx, alder, other.id, GIVE_ROLES, doer=Doer(doer.id), now=NOW)
        if act == "remove":
            member_acts.remove(tx, attempt, outbox(world))
        else:
            member_acts.set_roles(tx, attempt, [Role.SUPPORT])
        waiting.remove(doer)  # whoever comes next is the other one
        return doer.id

    stayed, second = one_after_the_other(world, work)

    with pytest.raises(MemberRefusedError) as refused:
        second.result()
    assert refused.value.code == "permission_missing"
    left = database.write(lambda tx: administrators.lock(tx, alder))
    assert left == [stayed]


def test_what_was_taken_a_moment_ago_gives_nothing_any_more(
    world: World, database: Database, people: tuple[User, User]
) -> None:
    ada, ben = people
    alder = world.alder.organization_id
    database.write(lambda tx: memberships.set_roles(tx, alder, ben.id, [Role.SUPPORT], NOW))

    with pytest.raises(MemberRefusedError):
        database.write(lambda tx: member_acts.begin(tx, alder, ada.id, GIVE_ROLES, doer=Doer(ben.id), now=NOW))
