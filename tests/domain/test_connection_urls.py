"""What an administrator enters at an identity provider."""

from rxauth.domain.connection_urls import ConnectionUrls, urls_of


def test_the_urls_of_a_connection_follow_from_its_name_and_differ_from_every_others() -> None:
    one, other = urls_of("https://auth.example.com/", "alder"), urls_of("https://auth.example.com", "birch")
    assert one.callback == "https://auth.example.com/sso/alder/callback"
    assert one.entity_id == "https://auth.example.com/sso/alder/metadata"
    all_of_them = [getattr(each, name) for each in (one, other) for name in ConnectionUrls.__slots__]
    assert len(set(all_of_them)) == 12
