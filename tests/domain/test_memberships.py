"""Roles and memberships: what they have to do with the authority to prescribe."""

from collections.abc import Iterator

import pytest

from rxauth.domain import invites, memberships, provider_acts, providers
from rxauth.domain.invites import Asked
from rxauth.domain.providers import AuthorityRefusedError
from rxauth.domain.users import User
from rxauth.policy import prescribing
from rxauth.policy.authority import State
from rxauth.policy.roles import Role
from rxauth.storage.database import Database, Transaction
from tests.people import link_written, outbox
from tests.providers import OPERATOR, add_member, as_doer, facts, give
from tests.world import NOW, World


@pytest.fixture
def database(world: World) -> Iterator[Database]:
    """A world's database."""
    opened = world.open()
    yield opened
    opened.close()


@pytest.fixture
def people(world: World, database: Database) -> tuple[User, User]:
    """Ada of the staff of Alder Clinic, and Ben, who manages it."""
    alder = world.alder.organization_id
    return database.write(
        lambda tx: (
            add_member(tx, alder, "ada@alder.example", Role.STAFF),
            add_member(tx, alder, "ben@alder.example", Role.ADMINISTRATOR),
        )
    )


def roles(database: Database, world: World, user: User) -> frozenset[Role]:
    """Returns a member's roles as they are stored."""
    found = database.read(lambda tx: memberships.of_organization(tx, world.alder.organization_id))
    return found[user.id].roles


def may_prescribe(database: Database, world: World, user: User) -> bool:
    """Tells whether the rule lets somebody prescribe."""
    alder = world.alder.organization_id
    subject = database.write(lambda tx: providers.subject_for_writing(tx, alder, user.id))
    return subject is not None and prescribing.refusal(subject, NOW) is None


@pytest.mark.parametrize("standing", ["nobody proposed", "proposed", "rejected", "revoked"])
def test_the_prescribers_role_is_given_beside_an_authority_only(
    world: World, database: Database, people: tuple[User, User], standing: str
) -> None:
    """M-14."""
    ada, ben = people
    alder = world.alder.organization_id

    def arrange(tx: Transaction) -> None:
        if standing == "revoked":
            give(tx, alder, ada.id, ben)
            memberships.set_roles(tx, alder, ada.id, [Role.STAFF], NOW)
            provider_acts.revoke(tx, alder, ada.id, "other", doer=OPERATOR, now=NOW)
        elif standing != "nobody proposed":
            made = provider_acts.propose(tx, alder, ada.id, facts(), doer=OPERATOR, now=NOW)
            if standing == "rejected":
                assert made.proposal is not None
                provider_acts.reject(tx, alder, ada.id, made.proposal.id, "other", doer=as_doer(ben), now=NOW)

    database.write(arrange)
    with pytest.raises(AuthorityRefusedError) as refused:
        database.write(lambda tx: memberships.set_roles(tx, alder, ada.id, [Role.STAFF, Role.PRESCRIBER], NOW))

    assert refused.value.code == "prescriber_needs_authority"
    assert roles(database, world, ada) == {Role.STAFF}


def test_who_has_an_authority_may_lose_the_role_and_get_it_back(
    world: World, database: Database, people: tuple[User, User]
) -> None:
    ada, ben = people
    alder = world.alder.organization_id
    database.write(lambda tx: give(tx, alder, ada.id, ben))
    assert roles(database, world, ada) == {Role.STAFF, Role.PRESCRIBER}

    database.write(lambda tx: memberships.set_roles(tx, alder, ada.id, [Role.STAFF], NOW))
    assert not may_prescribe(database, world, ada)

    database.write(lambda tx: memberships.set_roles(tx, alder, ada.id, [Role.PRESCRIBER], NOW))
    assert may_prescribe(database, world, ada)


def test_a_role_that_waits_stays_when_others_change(world: World, database: Database) -> None:
    alder = world.alder.organization_id
    ada = database.write(lambda tx: add_member(tx, alder, "ada@alder.example", Role.PRESCRIBER))
    database.write(lambda tx: memberships.set_roles(tx, alder, ada.id, [Role.PRESCRIBER, Role.STAFF], NOW))
    assert roles(database, world, ada) == {Role.PRESCRIBER, Role.STAFF}
    assert not may_prescribe(database, world, ada)


def test_an_invite_names_the_role_and_gives_nothing_with_it(
    world: World, database: Database, people: tuple[User, User]
) -> None:
    ada, ben = people
    alder = world.alder.organization_id
    asked = Asked("cleo@alder.example", frozenset({Role.PRESCRIBER}))
    token = link_written(database, world, lambda tx: invites.create(tx, alder, asked, outbox(world), NOW))
    _, cleo = database.write(lambda tx: invites.accept_as_new(tx, token, ada.name, "no hash", NOW))
    assert roles(database, world, cleo) == {Role.PRESCRIBER}
    assert not may_prescribe(database, world, cleo)

    database.write(lambda tx: give(tx, alder, cleo.id, ben))
    assert may_prescribe(database, world, cleo)


def test_an_authority_ends_with_the_membership_and_coming_back_takes_two_people(
    world: World, database: Database, people: tuple[User, User]
) -> None:
    ada, ben = people
    alder = world.alder.organization_id
    database.write(lambda tx: give(tx, alder, ada.id, ben))

    database.write(lambda tx: memberships.remove(tx, alder, ada.id, NOW))
    assert not may_prescribe(database, world, ada)
    database.write(lambda tx: memberships.add(tx, alder, ada.id, [Role.PRESCRIBER], NOW))
    assert not may_prescribe(database, world, ada)
    found = database.read(lambda tx: providers.find(tx, alder, ada.id))
    assert found is not None
    assert (found.state, found.reason) == (State.SUSPENDED, "left")

    asked = database.write(lambda tx: provider_acts.ask_restore(tx, alder, ada.id, None, doer=OPERATOR, now=NOW))
    assert asked.proposal is not None
    proposal = asked.proposal.id
    database.write(lambda tx: provider_acts.approve(tx, alder, ada.id, proposal, doer=as_doer(ben), now=NOW))
    assert may_prescribe(database, world, ada)


@pytest.mark.parametrize(("was", "becomes"), [("proposed", State.REJECTED), ("suspended", State.SUSPENDED)])
def test_what_was_proposed_for_somebody_who_leaves_is_never_approved(
    world: World, database: Database, people: tuple[User, User], was: str, becomes: State
) -> None:
    ada, ben = people
    alder = world.alder.organization_id

    def arrange(tx: Transaction) -> str:
        if was == "proposed":
            made = provider_acts.propose(tx, alder, ada.id, facts(), doer=OPERATOR, now=NOW)
        else:
            give(tx, alder, ada.id, ben)
            provider_acts.suspend(tx, alder, ada.id, "requested", doer=OPERATOR, now=NOW)
            made = provider_acts.ask_restore(tx, alder, ada.id, None, doer=OPERATOR, now=NOW)
        assert made.proposal is not None
        return made.proposal.id

    proposal = database.write(arrange)
    database.write(lambda tx: memberships.remove(tx, alder, ada.id, NOW))
    database.write(lambda tx: memberships.add(tx, alder, ada.id, [Role.STAFF], NOW))

    with pytest.raises(AuthorityRefusedError):
        database.write(lambda tx: provider_acts.approve(tx, alder, ada.id, proposal, doer=as_doer(ben), now=NOW))
    found = database.read(lambda tx: providers.find(tx, alder, ada.id))
    assert found is not None
    assert (found.state, found.proposal) == (becomes, None)
