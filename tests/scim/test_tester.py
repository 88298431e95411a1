"""A checker that we did not write finds nothing wrong with the endpoints."""

from typing import Any

import httpx
from scim2_client import BaseSyncSCIMClient
from scim2_tester import Status, check_server

from rxauth.policy.roles import Role
from tests.provisioning import Provider


class Client(BaseSyncSCIMClient):
    """The checker's client, over the HTTP library that the tests have."""

    def __init__(self, http: httpx.Client) -> None:
        super().__init__()
        self._http = http

    def _stays_under_base_url(self, endpoint: str) -> bool:
        return endpoint.startswith(("/", str(self._http.base_url)))

    def _parse_json(self, response: Any) -> Any:
        return response.json()

    def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        """Sends one request."""
        return self._http.request(method, url, **options)


def test_the_checker_of_the_standard_is_content_with_everything(provider: Provider) -> None:
    provider.give(everybody=[Role.SUPPORT])
    results = check_server(Client(provider.http))
    wrong = [f"{one.title} {one.resource_type}: {one.reason}" for one in results if one.status is not Status.SUCCESS]

    assert wrong == []
    assert len(results) > 80
