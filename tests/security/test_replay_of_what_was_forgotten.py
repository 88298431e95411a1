"""What was used once and then forgotten is refused when it is shown again, as what never was (threats C-01, R-01)."""

import pytest

from rxauth.domain import (
    authorization_codes,
    email_changes,
    invites,
    passkey_challenges,
    password_resets,
    retention,
    token_families,
)
from rxauth.domain.errors import AbsentError
from rxauth.domain.invites import Asked
from rxauth.domain.passkey_challenges import Purpose
from rxauth.policy.roles import Role
from tests.live import Live
from tests.people import add_person, link_written, outbox
from tests.token_holders import Holders, refused
from tests.world import NOW

UNKNOWN = "Unknown or invalid refresh token."


@pytest.fixture
def holders(live: Live) -> Holders:
    """Clients and people on each engine."""
    return Holders(live)


def _forget(holders: Holders, kept_s: int) -> None:
    """Lets so much time pass, and what is too old then go."""
    holders.live.clock.advance(kept_s + 1)
    for sweep in retention.SWEEPS:
        holders.write(lambda tx, one=sweep: one(tx, holders.live.clock.seconds()))


def test_a_code_that_was_used_and_forgotten_gives_nothing_a_second_time(holders: Holders) -> None:
    session, _ = holders.session(holders.person())
    code = holders.code(session)
    holders.redeemed(code)
    _forget(holders, authorization_codes.KEPT_S)
    never = holders.code(session).request(code="A" * 43)
    assert refused(holders.post(code.request())) == refused(holders.post(never))


def test_refresh_tokens_of_a_forgotten_family_give_nothing(holders: Holders) -> None:
    first = holders.tokens()["refresh_token"]
    newest = holders.refresh(first).json()["refresh_token"]
    _forget(holders, token_families.KEPT_S)
    assert [refused(holders.refresh(one)) for one in (first, newest)] == [UNKNOWN, UNKNOWN]


def test_links_and_challenges_that_were_used_and_forgotten_work_no_second_time(holders: Holders) -> None:
    live, letters = holders.live, outbox(holders.live.world)
    organization_id, database = live.world.alder.organization_id, live.server.database
    ada = holders.write(lambda tx: add_person(tx, "ada@example.com"))
    asked = passkey_challenges.Asked(Purpose.AUTHENTICATE, b"browser", ada.id)
    challenge = holders.write(lambda tx: passkey_challenges.make(tx, asked, NOW))
    reset = link_written(database, live.world, lambda tx: password_resets.ask(tx, "ada@example.com", letters, NOW))
    invited = Asked("ada@example.com", frozenset([Role.STAFF]))
    invite = link_written(database, live.world, lambda tx: invites.create(tx, organization_id, invited, letters, NOW))
    assert holders.write(lambda tx: passkey_challenges.spend(tx, challenge, asked, NOW))
    assert holders.write(lambda tx: password_resets.spend(tx, reset, NOW)) == ada.id
    holders.write(lambda tx: invites.accept(tx, invite, ada.id, NOW))
    _forget(holders, invites.KEPT_S)
    for now in (NOW, live.clock.seconds()):  # even if a clock went back
        assert not holders.write(lambda tx, now=now: passkey_challenges.spend(tx, challenge, asked, now))
        assert holders.write(lambda tx, now=now: password_resets.spend(tx, reset, now)) is None
        assert holders.write(lambda tx, now=now: email_changes.confirm(tx, reset, letters, now)) is None
        with pytest.raises(AbsentError):
            holders.write(lambda tx, now=now: invites.accept(tx, invite, ada.id, now))
