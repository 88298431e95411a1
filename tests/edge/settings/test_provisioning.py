"""The pages of provisioning, as an administrator walks through them without scripts, and what its tokens open."""

import re
from collections.abc import Iterator

import pytest

from rxauth.domain import group_roles
from rxauth.edge.settings.provisioning import PATH
from rxauth.policy.roles import Role
from tests.browsing import Browser, form_with
from tests.edge.settings.desk import Desk
from tests.edge.settings.test_domains import at
from tests.live import Live
from tests.signing_in import Cast


@pytest.fixture
def cast(sqlite_live: Live) -> Iterator[Cast]:
    """People of a server."""
    made = Cast(sqlite_live)
    yield made
    made.close()


def statuses(live: Live, *tokens: str) -> list[int]:
    """Asks the SCIM endpoint for users, with one token after the other."""
    asked = [live.http.get("/scim/v2/Users", headers={"authorization": f"Bearer {one}"}) for one in tokens]
    return [one.status_code for one in asked]


def send(browser: Browser, act: str, **fields: str) -> str:
    """Sends the form of an act; returns the page that comes next."""
    return browser.submit(form=form_with(browser, act), **fields).text


def new_token(browser: Browser, name: str) -> str:
    """Makes a token on its page."""
    browser.open(f"{PATH}/token")
    [token] = set(re.findall(r"rxs_[\w-]+", send(browser, "new_scim_token", name=name, lifetime_days="90")))
    return str(token)


def test_a_token_is_made_used_replaced_without_a_gap_and_dead_at_once_when_it_is_revoked(cast: Cast) -> None:
    browser, live = at(cast, PATH), cast.live
    assert "There is no token yet" in browser.page.text
    old = new_token(browser, "Entra")
    assert f"{live.server.issuer}scim/v2" in browser.page.text
    assert statuses(live, old) == [200]

    live.clock.advance(1)
    new = new_token(browser, "Entra, new")
    assert statuses(live, old, new) == [200, 200]
    browser.open(f"{PATH}/token")
    assert "revoke one of them first" in send(browser, "new_scim_token", name="One more", lifetime_days="90")

    for left in ([401, 200], [401, 401]):
        browser.open(PATH)
        assert not {old, new} & set(re.findall(r"rxs_[\w-]+", browser.page.text))
        browser.open(re.findall(r'href="([^"]*/revoke\?token_id=[^"]*)"', browser.page.text)[-1])
        send(browser, "revoke_scim_token")
        assert statuses(live, old, new) == left


def test_what_a_group_gives_is_said_on_a_page_and_who_may_not_say_it_sees_none(cast: Cast) -> None:
    live, alder = cast.live, cast.live.world.alder.organization_id
    browser = at(cast, f"{PATH}/group?group=*")
    assert 'value="rol_support"' in browser.page.text
    send(browser, "scim_group", roles="rol_support")
    given = live.server.database.read(lambda tx: group_roles.of_source(tx, alder, group_roles.SCIM))
    assert given == {"*": {Role.SUPPORT}}
    staff = Desk(live, Role.STAFF)
    staff.open(PATH)
    assert staff.status == 403
    staff.close()
