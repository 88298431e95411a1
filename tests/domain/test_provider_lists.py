"""Lists of authorities: what the database judges is what policy says, whatever the row."""

from dataclasses import replace
from itertools import product

from rxauth.domain import provider_lists, provider_store, providers
from rxauth.domain.paging import page
from rxauth.domain.providers import Proposal, Provider
from rxauth.policy.authority import PROPOSAL_LIFETIME_S, Act, State
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from tests.providers import add_member, facts
from tests.undone import Undone
from tests.world import NOW

ENDS = (None, NOW - 1, NOW, NOW + 1)
ASKED = (None, *(NOW - PROPOSAL_LIFETIME_S + seconds for seconds in (-1, 0, 1)))


def authorities(tx: Transaction, organization_id: str) -> list[Provider]:
    """Stores one authority of each state, end and age of a proposal."""
    made = []
    stored = [state for state in State if state is not State.EXPIRED]
    for number, (state, until, asked_at) in enumerate(product(stored, ENDS, ASKED)):
        user = add_member(tx, organization_id, f"doctor-{number}@example.com", Role.SUPPORT)
        proposal = None if asked_at is None else Proposal(f"prp_{number}", Act.PROPOSE, "operator", asked_at, facts())
        one = Provider(
            organization_id,
            user.id,
            state,
            facts(until=until),
            effective_from=NOW - 9,
            proposed_by="operator",
            approved_by="usr_second",
            approved_at=NOW - 9,
            proposal=proposal,
        )
        provider_store.store(tx, one, is_new=True)
        made.append(one)
    return made


def test_the_database_finds_what_policy_says(undone: Undone) -> None:
    def work(tx: Transaction) -> None:
        made = authorities(tx, undone.organization_id)
        mine = {one.user_id for one in made}
        for state, waiting in product((None, *State), (None, True, False)):
            found = provider_lists.search(
                tx, undone.organization_id, replace(page(None, 1), rows=1_000), NOW, state=state, waiting=waiting
            )
            expected = {
                one.user_id
                for one in made
                if (state is None or providers.state_at(one, NOW) is state)
                and (waiting is None or waiting == _waits(one))
            }
            assert {one.user_id for one in found} & mine == expected, (state, waiting)

    undone.run(work)


def _waits(one: Provider) -> bool:
    return one.proposal is not None and one.proposal.asked_at + PROPOSAL_LIFETIME_S > NOW
