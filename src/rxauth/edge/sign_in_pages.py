"""What the pages of a sign-in show: which template, with which values."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from rxauth.crypto import qr
from rxauth.domain import factors, home_realm, organizations, passkeys, totp, users
from rxauth.domain.organizations import Organization
from rxauth.edge import branding
from rxauth.edge.addresses import RESET_PATH
from rxauth.edge.second_factors import asker
from rxauth.ids import Kind
from rxauth.oauth.authorization_request import AuthorizationRequest
from rxauth.oauth.browser import Browser
from rxauth.oauth.server import Server
from rxauth.oauth.sign_in import UnderWay
from rxauth.oauth.step_kinds import (
    AskConsent,
    ChooseOrganization,
    LogIn,
    ProveSecondFactor,
    SetUpSecondFactor,
    UseEmergencyAccess,
)
from rxauth.policy.assurance import FirstFactor
from rxauth.policy.permissions import BY_NAME
from rxauth.storage.database import Transaction

OWN_PAGES: Final = "your account"
BY_HAND: Final = "password"  # of the field `way`: whatever the address is, a password is typed here
_SECOND_ASKED: Final = (
    "This needs a second proof that it is you, beside your password. Set one up now; it takes a minute."
)
_PASSKEY_ASKED: Final = (
    "Your organization asks everybody to sign in with a passkey. Add one now; from then on it takes the place of your "
    "password here."
)
Values = dict[str, Any]


def values_of(
    server: Server, transaction: Transaction, one: UnderWay, browser: Browser, query: Mapping[str, str]
) -> tuple[str, Values]:
    """Returns the template of the step that is due, and its values without those of its form."""
    template, values = _PAGES[type(one.step)]
    asked = _asked_organization(transaction, one)
    shown: Values = {
        "is_for_client": one.client is not None,
        "client_name": OWN_PAGES if one.client is None else one.client.name,
        "email": _email(transaction, one),
        "branding": branding.shown(asked),
        "only": None if asked is None else asked.sole_first_factor,
    }
    return template, shown | values(server, transaction, one, browser, query)


def _log_in(
    server: Server, transaction: Transaction, one: UnderWay, browser: Browser, query: Mapping[str, str]
) -> Values:
    known = one.step.only if isinstance(one.step, LogIn) else None
    only = {} if known is None else {"only": known}
    return {
        **only,
        "links": isinstance(one.step, LogIn) and one.step.user_id is not None,
        "by_hand": query.get("way") == BY_HAND,
        "connections": home_realm.offered(transaction, asking(transaction, one)),
        "finds_home": home_realm.is_useful(transaction, only_organization(one)),
        "has_passkey": known is FirstFactor.PASSKEY,
        "forgot_url": RESET_PATH,
        "passkey_options": passkeys.authentication_options(transaction, None, asker(server, browser), _now(server)),
    }


def asking(transaction: Transaction, one: UnderWay) -> str | None:
    """Returns the organization that asks for a certain way, or that the sign-in is for; None: nobody knows."""
    if isinstance(one.step, LogIn) and one.step.organization_id is not None:
        return one.step.organization_id
    asked = _asked_organization(transaction, one)
    return None if asked is None else asked.id


def only_organization(one: UnderWay) -> str | None:
    """Returns the only organization that a sign-in can be for; None: there is no such one yet."""
    if one.client is None or not isinstance(one.request, AuthorizationRequest):
        return None
    if not one.client.any_organization:
        return one.client.organization_id
    asked = one.request.organization or ""
    return asked if asked.startswith(f"{Kind.ORGANIZATION}_") else None


def _asked_organization(transaction: Transaction, one: UnderWay) -> Organization | None:
    """Returns the organization that a sign-in is for before anybody proved who it is; None: nobody can say.

    By its identifier alone: whoever asks by name does not learn here whether there is such an organization.
    """
    if one.client is None or not isinstance(one.request, AuthorizationRequest):
        return None
    asked = only_organization(one)
    found = None if asked is None else organizations.find(transaction, asked)
    return None if found is None or found.disabled_at is not None else found


def _now(server: Server) -> int:
    return server.clock.seconds()


def _prove(
    server: Server, transaction: Transaction, one: UnderWay, browser: Browser, query: Mapping[str, str]
) -> Values:
    user_id = one.step.user_id if isinstance(one.step, ProveSecondFactor) else ""
    methods = factors.of(transaction, user_id).methods
    chosen = query["method"] if query.get("method") in methods else next(iter(methods), "recovery")
    options = None
    if chosen == "passkey":
        options = passkeys.authentication_options(transaction, user_id, asker(server, browser), _now(server))
    return {"methods": methods, "chosen": chosen, "passkey_options": options}


def _set_up(server: Server, transaction: Transaction, one: UnderWay, browser: Browser, _query: Any) -> Values:
    user_id = one.step.user_id if isinstance(one.step, SetUpSecondFactor) else ""
    now = _now(server)
    values = {
        "passkey_options": passkeys.registration_options(transaction, user_id, asker(server, browser), now),
        "cancel_url": None,
    }
    if isinstance(one.step, SetUpSecondFactor) and one.step.opens_nothing:
        values["passkey_options"] = None
    if isinstance(one.step, SetUpSecondFactor) and one.step.passkey:
        return values | {"reason": _PASSKEY_ASKED, "qr_svg": None, "secret": None}
    begun = totp.pending(transaction, user_id, server.sealing_key, now)
    begun = begun or totp.begin(transaction, user_id, server.sealing_key, now)
    return values | {"reason": _SECOND_ASKED, "qr_svg": qr.as_svg(begun.uri), "secret": begun.secret}


def _choose(_server: Server, _transaction: Transaction, one: UnderWay, _browser: Browser, _query: Any) -> Values:
    among = one.step.among if isinstance(one.step, ChooseOrganization) else ()
    return {"organizations": [{"id": each.organization_id, "name": each.organization_name} for each in among]}


def _emergency(_server: Server, _transaction: Transaction, one: UnderWay, _browser: Browser, _query: Any) -> Values:
    return {"organization_name": one.step.organization_name if isinstance(one.step, UseEmergencyAccess) else ""}


def _consent(_server: Server, transaction: Transaction, one: UnderWay, _browser: Browser, _query: Any) -> Values:
    names = one.request.scope.split() if isinstance(one.request, AuthorizationRequest) else []
    chosen = one.step.organization_id if isinstance(one.step, AskConsent) else None
    found = None if chosen is None else organizations.find(transaction, chosen)
    target = urlsplit(one.request.redirect_uri) if isinstance(one.request, AuthorizationRequest) else urlsplit("")
    return {
        "organization_name": None if found is None else found.name,
        "permissions": [{"name": name, "meaning": BY_NAME[name].meaning} for name in names if name in BY_NAME],
        "scopes": [name for name in names if name not in BY_NAME],
        "destination": target.hostname or target.scheme,
    }


def _email(transaction: Transaction, one: UnderWay) -> str:
    """Returns the address of who is signing in, or the one that the client expects."""
    session = one.found.session
    user_id = one.sign_in.user_id or (None if session is None or isinstance(one.step, LogIn) else session.user_id)
    if isinstance(one.step, LogIn) and one.step.user_id is not None:
        user_id = one.step.user_id
    user = None if user_id is None else users.find(transaction, user_id)
    if user is not None:
        return user.email
    return (one.request.login_hint if isinstance(one.request, AuthorizationRequest) else None) or ""


_PAGES: Final[Mapping[type, tuple[str, Callable[..., Values]]]] = {
    LogIn: ("login.html", _log_in),
    ProveSecondFactor: ("second_factor.html", _prove),
    SetUpSecondFactor: ("set_up_factor.html", _set_up),
    UseEmergencyAccess: ("emergency_access.html", _emergency),
    ChooseOrganization: ("organizations.html", _choose),
    AskConsent: ("consent.html", _consent),
}
