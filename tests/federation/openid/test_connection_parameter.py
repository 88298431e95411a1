"""`connection` at the authorization endpoint: what a client may ask for, and what the provider is asked in turn."""

from urllib.parse import parse_qsl, urlsplit

from rxauth.domain import connections, organizations
from rxauth.domain.connection_settings import ClientAuthentication, Mapping, OpenIdSettings
from rxauth.oauth.browser import Browser as Seat
from rxauth.oauth.page_request import PageRequest
from rxauth.oauth.sign_in import begin_for_page
from tests.federation.openid import upstream as upstreams
from tests.federation.openid.conftest import BOTH, Attack, Clinic
from tests.federation.openid.conftest import CALLBACK as UPSTREAM_CALLBACK
from tests.live import decode
from tests.signing_in import CALLBACK, answered, pkce
from tests.world import NOW


def asked(url: str) -> dict[str, str]:
    """Returns what a provider is asked."""
    return dict(parse_qsl(urlsplit(url).query))


def test_a_client_is_told_of_a_connection_that_it_cannot_have(clinic: Clinic) -> None:
    birch = clinic.live.world.birch.organization_id
    browser = clinic.cast.browser()

    def said(**changes: str | None) -> tuple[str, str]:
        back = answered(browser.open(clinic.cast.request(**changes)))
        return back["error"], back["error_description"]

    unknown = said(connection="no-such")
    assert unknown == ("invalid_request", "connection: no connection of this name can be used here.")
    assert said(connection="alder-sso", organization=birch)[0] == "access_denied"
    clinic.write(lambda tx: connections.switch(tx, clinic.connection, NOW, on=False))
    assert said(connection="alder-sso") == unknown
    assert said(connection="x" * 3_000)[0] == "invalid_request"


def test_nobody_is_bothered_where_the_client_asks_for_that(clinic: Clinic) -> None:
    silent = clinic.cast.request(connection="alder-sso", prompt="none")
    assert answered(clinic.cast.browser().open(silent))["error"] == "login_required"
    elsewhere = clinic.cast.signed_in("ben@example.com", organization=clinic.alder)
    assert answered(elsewhere.open(silent))["error"] == "login_required", "it is not the provider's session"
    browser, _ = clinic.sign_in("uma")
    assert "code" in answered(browser.open(silent))
    assert "code" in answered(browser.open(clinic.cast.request(connection="alder-sso")))


def test_what_the_client_asks_of_the_sign_in_the_provider_is_asked(clinic: Clinic) -> None:
    _, url = clinic.leave(login_hint="uma@alder.example", prompt="login consent", max_age="60")
    said = asked(url)
    assert (said["login_hint"], said["prompt"], said["max_age"]) == ("uma@alder.example", "login", "60")
    assert (said["redirect_uri"], said["code_challenge_method"]) == (UPSTREAM_CALLBACK, "S256")
    assert (said["response_mode"], said["response_type"], said["scope"]) == ("query", "code", "openid email profile")
    _, url = clinic.leave()
    assert not {"login_hint", "prompt", "max_age"} & set(asked(url))
    assert asked(url)["state"] != said["state"]


@BOTH
def test_tokens_say_how_the_person_signed_in_and_end_with_the_membership(clinic: Clinic) -> None:
    pair = pkce()
    clinic.upstream.present("uma", amr=["pwd", "mfa"])
    browser = clinic.cast.browser()
    url = browser.open(clinic.cast.request(connection="alder-sso", challenge=pair.challenge)).headers["location"]
    code = answered(clinic.come_back(browser, url))["code"]
    form = {"client_id": clinic.cast.client_id, "redirect_uri": CALLBACK, "connection": "alder-sso"}
    redeemed = form | {"grant_type": "authorization_code", "code": code, "code_verifier": pair.verifier}
    tokens = browser.http.post(browser.url + "/oauth/token", data=redeemed).json()
    _, claims = decode(tokens["id_token"])
    assert (claims["amr"], claims["acr"], claims["org_id"]) == (["fed", "mfa"], "aal2", clinic.alder)
    assert (claims["email"], claims["email_verified"]) == ("uma@alder.example", True)
    refresh = form | {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert browser.http.post(browser.url + "/oauth/token", data=refresh).status_code == 200


def test_a_second_factor_counts_as_the_connection_says_and_is_asked_for_here_otherwise(clinic: Clinic) -> None:
    clinic.write(lambda tx: organizations.require_second_factor(tx, clinic.alder, NOW, required=True))
    _, answer = clinic.sign_in("uma", claims={"amr": ["mfa"]})
    assert "code" in answered(answer)
    browser, _ = clinic.sign_in("vera", claims={"amr": ["pwd"]})
    assert browser.heading() == "Set up a second factor"
    clinic.change(mapping=Mapping())
    browser, _ = clinic.sign_in("uma", claims={"amr": ["mfa"]})
    assert browser.heading() == "Set up a second factor"


def test_a_page_that_wants_to_know_anew_asks_the_provider(clinic: Clinic) -> None:
    """Nobody who signed in with a provider has a password to confirm with."""
    browser, _ = clinic.sign_in("uma")
    clinic.live.clock.advance(90)
    page = PageRequest("/account", max_age_s=60)
    handle = browser.cookies["__Host-rxauth"]
    waiting = clinic.write(lambda tx: begin_for_page(clinic.live.server, tx, page, Seat(handle, "192.0.2.1", "")))
    url = browser.open(f"/sign-in/{waiting.sign_in_id}").headers["location"]
    assert (asked(url)["prompt"], asked(url)["max_age"]) == ("login", "60")
    assert clinic.come_back(browser, url).url.path == "/account"


def test_this_server_proves_itself_with_a_key_that_it_publishes(clinic: Clinic) -> None:
    published = clinic.live.http.get("/.well-known/jwks.json").json()
    provider = upstreams.start(
        upstreams.client(
            "rxauth",
            UPSTREAM_CALLBACK,
            token_endpoint_auth_method="private_key_jwt",
            jwks=published,
        )
    )
    try:
        clinic.upstream = provider
        clinic.change(settings=OpenIdSettings(provider.issuer, "rxauth", ClientAuthentication.PRIVATE_KEY_JWT))
        _, answer = clinic.sign_in("uma")
        assert "code" in answered(answer)
    finally:
        provider.stop()


def test_a_secret_in_the_body(attack: Attack) -> None:
    settings = OpenIdSettings(attack.forger.issuer, "rxauth", ClientAuthentication.SECRET_POST)
    attack.clinic.change(settings=settings)
    browser, url = attack.leave()
    assert "code" in answered(browser.open(url))
    [form] = attack.forger.asked
    assert form["client_secret"] == upstreams.SECRET
    assert "authorization" not in attack.forger.headers[0]
