"""Shutting a prescriber out from afar: wrong guesses, however many, keep nobody from the browser it used before."""

from collections.abc import Iterator

import pytest

from rxauth.crypto.sealing import derive
from rxauth.domain import failed_proofs, known_browsers, password_resets, users
from rxauth.domain.failed_proofs import FAILURES_LIMIT, KNOWN_FAILURES_LIMIT
from rxauth.domain.mails import Outbox
from rxauth.edge.guards import FailureLimiter
from rxauth.edge.quotas import RequestLimits
from tests.browsing import Browser
from tests.live import Live
from tests.people import letters, token_of
from tests.signing_in import Cast, answered
from tests.world import NOW, SEALING_KEY, StandingClock, World

HANDLE, KNOWN = "__Host-rxauth", "__Host-rxauth-known"
WRONG = "not this one at all"
HUNDRED = 100  # NIST SP 800-63B-4 §3.2.2


@pytest.fixture
def cast(live: Live) -> Iterator[Cast]:
    """People and a client of theirs, on each engine."""
    cast = Cast(live)
    yield cast
    cast.close()


def signed_in_before(cast: Cast) -> Browser:
    """Returns a browser with which Ada signed in once, long ago: her session is over."""
    browser = cast.signed_in()
    del browser.cookies[HANDLE]
    return browser


def shut_out(cast: Cast) -> None:
    """Has strangers guess for as long as it helps them."""
    for _ in range(FAILURES_LIMIT):
        cast.live.server.database.write(lambda tx: failed_proofs.count(tx, cast.ada.id, NOW))


def tries(cast: Cast, browser: Browser, password: str | None = None) -> bool:
    """Tells whether Ada gets in, with her own password if no other is given."""
    browser.open(cast.request())
    page = cast.log_in(browser) if password is None else cast.log_in(browser, password=password)
    return page.status_code == 303 and "code" in answered(page)


def test_who_guesses_shuts_nobody_out_of_the_browser_that_she_signed_in_with(cast: Cast) -> None:
    hers, elsewhere = signed_in_before(cast), cast.browser()
    shut_out(cast)

    assert not tries(cast, elsewhere)
    assert tries(cast, hers)
    assert not tries(cast, cast.browser())  # and that she got in helps no guesser


def test_guesses_in_a_stolen_browser_end_too_and_all_guesses_together_stay_within_a_hundred(cast: Cast) -> None:
    """NIST SP 800-63B-4 §3.2.2."""
    database, moment = cast.live.server.database, NOW
    reached = 0
    for is_known in (True, False):
        for _ in range(HUNDRED):
            moment += failed_proofs.PAUSE_LIMIT_S
            now = moment
            if database.read(lambda tx: failed_proofs.wait_s(tx, cast.ada.id, now, is_known=is_known)) == 0:  # noqa: B023
                database.write(lambda tx: failed_proofs.count(tx, cast.ada.id, now, is_known=is_known))  # noqa: B023
                reached += 1
    assert reached == FAILURES_LIMIT + KNOWN_FAILURES_LIMIT == HUNDRED
    hers = signed_in_before_with(cast)
    assert not tries(cast, hers)


def signed_in_before_with(cast: Cast) -> Browser:
    """Returns a browser that kept Ada's mark, though nobody can sign in just now."""
    browser = cast.browser()
    browser.cookies[KNOWN] = known_browsers.introduced(cast.live.edge.known_browsers_key, None, cast.ada.id)
    return browser


def test_her_own_slips_are_forgotten_when_she_gets_in_and_strangers_are_not(cast: Cast) -> None:
    hers = signed_in_before(cast)
    for _ in range(failed_proofs.FREE_FAILURES - 1):
        assert not tries(cast, cast.browser(), WRONG)
        assert not tries(cast, hers, WRONG)
    assert tries(cast, hers)
    del hers.cookies[HANDLE]
    for _ in range(failed_proofs.FREE_FAILURES - 1):
        assert not tries(cast, hers, WRONG)
    assert tries(cast, hers)
    assert not tries(cast, cast.browser(), WRONG)
    assert not tries(cast, cast.browser())


def test_a_mark_of_one_person_is_nobody_else_s_and_none_can_be_made_up(cast: Cast) -> None:
    hers = signed_in_before(cast)
    kept = hers.cookies[KNOWN]
    number, seal, mark = kept.split(".")
    key = derive(SEALING_KEY.encode(), "known browsers")
    forged = known_browsers.introduced(key, None, cast.ada.id)
    shut_out(cast)
    for planted in (forged, f"{number}.{seal}", f"{'A' * 43}.{seal}.{mark}", f"{number}.{mark}.{seal}", "", "." * 99):
        browser = cast.browser()
        browser.cookies[KNOWN] = planted
        assert not tries(cast, browser), planted
    is_known = known_browsers.is_known
    real = cast.live.edge.known_browsers_key
    assert is_known(real, kept, cast.ada.id)
    assert not is_known(real, kept, cast.ben.id)


def test_a_desk_that_many_share_knows_the_last_few_of_them() -> None:
    key, kept, people = b"k" * 32, None, [f"usr_{number}" for number in range(20)]
    for one in people:
        kept = known_browsers.introduced(key, kept, one)
    known = [one for one in people if known_browsers.is_known(key, kept, one)]
    assert known == people[-known_browsers.PEOPLE_LIMIT :]
    assert known_browsers.number_of(key, kept) == str(kept).partition(".")[0]


def test_a_new_password_by_letter_makes_a_browser_known(cast: Cast) -> None:
    """Whoever has no known browser comes in by the letter, and cannot be shut out again before the first sign-in."""

    live, browser = cast.live, cast.browser()
    shut_out(cast)
    outbox = Outbox(live.server.issuer, live.server.sealing_key)
    live.server.database.write(lambda tx: password_resets.ask(tx, "ada@example.com", outbox, live.clock.seconds()))
    token = token_of(letters(live.server.database, live.world, "ada@example.com")[-1])
    browser.open(f"/reset?token={token}")
    assert browser.submit(password="ferry quilt under glass").status_code == 200
    shut_out(cast)

    assert tries(cast, browser, "ferry quilt under glass")


def test_a_network_that_guesses_waits_and_known_browsers_in_it_do_not(
    sqlite_world: World, clock: StandingClock
) -> None:
    live = Live(sqlite_world, clock, limiter=FailureLimiter(3))
    cast = Cast(live)
    hers = signed_in_before(cast)
    for number in range(3):
        browser = cast.browser()
        browser.open(cast.request())
        cast.log_in(browser, f"nobody{number}@example.com", WRONG)

    stranger = cast.browser()
    stranger.open(cast.request())
    page = cast.log_in(stranger)
    assert page.status_code == 429
    assert int(page.headers["retry-after"]) >= 1
    assert tries(cast, hers)
    cast.close()
    live.let_go()


def test_a_flood_of_pages_from_a_network_does_not_take_the_quota_of_known_browsers_in_it(
    sqlite_world: World, clock: StandingClock
) -> None:
    generous = 1_000_000
    live = Live(sqlite_world, clock, requests=RequestLimits(generous, generous, 100, 20))
    cast = Cast(live)
    hers = signed_in_before(cast)
    while live.http.get("/authorize").status_code != 429:
        pass

    assert tries(cast, hers)
    cast.close()
    live.let_go()


def test_a_disabled_person_stays_out_of_its_own_browser(cast: Cast) -> None:
    hers = signed_in_before(cast)
    cast.live.server.database.write(lambda tx: users.disable(tx, cast.ada.id, NOW))
    assert not tries(cast, hers)


def test_the_mark_is_out_of_the_reach_of_scripts_and_says_nothing_of_whose_it_is(cast: Cast) -> None:
    browser = cast.browser()
    browser.open(cast.request())
    answer = cast.log_in(browser)
    (header,) = (one for one in answer.headers.get_list("set-cookie") if one.startswith(KNOWN))
    assert header.endswith("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=15552000")
    assert cast.ada.id not in header
    assert len(header.partition(";")[0]) < 300
