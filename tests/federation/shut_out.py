"""Somebody whom the identity provider deactivated by SCIM, at the door: one story for both protocols."""

import time
from typing import Any

from rxauth.domain import users
from rxauth.policy.roles import Role
from tests.live import PATIENCE_S
from tests.provisioning import Provider
from tests.signing_in import answered

ACTIVE = {"op": "replace", "path": "active"}


def who_is_deactivated_is_refused_until_it_is_active_again(clinic: Any) -> None:
    """Walks whole sign-ins of Uma, whom SCIM sent, and of Vera, who was inactive from the beginning."""
    provider = Provider(clinic.live)
    provider.give(everybody=[Role.SUPPORT])
    uma = provider.create("uma@alder.example")
    assert "code" in answered(clinic.sign_in("uma")[1])

    assert provider.patch(f"Users/{uma['id']}", ACTIVE | {"value": False}).status_code == 200
    browser, answer = clinic.sign_in("uma")
    assert (answer.status_code, browser.heading()) == (403, "You could not be signed in")
    assert "your organization does not let you in here" in answer.text
    assert reasons(provider, 1) == ["deactivated"]

    provider.create("vera@alder.example", active=False)
    assert clinic.sign_in("vera")[1].status_code == 403
    assert clinic.read(lambda tx: users.find_by_email(tx, "vera@alder.example")) is None

    assert provider.patch(f"Users/{uma['id']}", ACTIVE | {"value": True}).status_code == 200
    assert "code" in answered(clinic.sign_in("uma")[1])
    provider.http.close()


def reasons(provider: Provider, number: int) -> list[str]:
    """Waits until so many sign-ins were refused; returns why."""
    ends_at = time.monotonic() + PATIENCE_S
    while True:
        found = [one["reason"] for one in provider.recorded() if one["event"] == "person.sign_in_refused"]
        if len(found) == number:
            return found
        assert time.monotonic() < ends_at, found
        time.sleep(0.02)
