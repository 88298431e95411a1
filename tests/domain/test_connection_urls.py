"""What an administrator enters at an identity provider."""

from rxauth.domain.connection_urls import urls_of


def test_the_urls_of_a_connection_follow_from_its_name_and_differ_from_every_others() -> None:
    one, other = urls_of("https://auth.example.com/", "alder"), urls_of("https://auth.example.com", "birch")
    assert one.callback == "https://auth.example.com/sso/alder/callback"
    assert one.entity_id == "https://auth.example.com/sso/alder/metadata"
    mine = {one.callback, one.backchannel_logout, one.entity_id, one.assertion_consumer, one.single_logout}
    theirs = {other.callback, other.backchannel_logout, other.entity_id, other.assertion_consumer, other.single_logout}
    assert len(mine | theirs) == 10
