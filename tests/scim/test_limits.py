"""What an identity provider may ask in a minute: as much as the organization's machines, and apart from them."""

from rxauth.edge.quotas import RequestLimits
from tests.live import Live
from tests.provisioning import Provider
from tests.world import StandingClock, World


def test_a_quota_that_is_used_up_stops_the_provider_and_nobody_else(sqlite_world: World, clock: StandingClock) -> None:
    live = Live(sqlite_world, clock, requests=RequestLimits(client=100, organization=3, person=100, network=100))
    provider = Provider(live)
    try:
        answers = [provider.http.get("Users") for _ in range(4)]
        assert [one.status_code for one in answers] == [200, 200, 200, 429]
        assert answers[0].headers["ratelimit"] == '"organization";r=2;t=60'
        assert answers[3].json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
        assert answers[3].headers["retry-after"] == "60"
        assert live.exchange(live.world.alder).status_code == 200

        clock.advance(60)
        assert provider.http.get("Users").status_code == 200
        refused = [live.http.get("/scim/v2/Users").status_code for _ in range(100)]
        assert set(refused) == {401}
        assert live.http.get("/scim/v2/Users").status_code == 429  # who proves nothing counts for the network
    finally:
        provider.http.close()
        live.stop()
