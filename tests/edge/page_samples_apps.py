"""Samples of the pages of apps."""

from typing import Any, Final

from rxauth.edge.settings.apps import PLACES
from tests.edge.page_sample import Values, settings

_MADE: Final = "2026-11-20T09:30:00.000Z"
_SPA: Final[dict[str, Any]] = {
    "id": "Vb3JmBqkW8yT0cRz7LhNs5XaEo2PdUgK",
    "name": "Alder Charts",
    "appType": "spa",
    "redirectUrls": ["https://charts.alder.example", "http://localhost:3000"],
    "logoutUrls": ["https://charts.alder.example"],
    "webOrigins": [],
    "backchannelLogoutUri": None,
    "createdAt": _MADE,
    "thirdParty": False,
    "servesEverybody": False,
    "peopleLately": 12,
    "revision": "0123",
    "secrets": [],
}
_WEB: Final = _SPA | {
    "id": "kQ2ZrYwT8uHn4XbVc7LpEo1MsAd9GfJ3",
    "name": "Front desk",
    "appType": "regular_web",
    "redirectUrls": ["https://desk.alder.example/callback"],
    "backchannelLogoutUri": "https://desk.alder.example/signed-out",
    "secrets": [
        {"id": "sec_01J9ZK3V6T8QAAAAAAAAAAAAAA", "createdAt": _MADE, "expiresAt": "2026-11-24T12:00:00.000Z"},
        {"id": "sec_01J9ZK3V6T8QBBBBBBBBBBBBBB", "createdAt": "2026-11-23T12:00:00.000Z", "expiresAt": None},
    ],
}
_SHARED: Final = _SPA | {"name": "Shared app", "servesEverybody": True, "peopleLately": None}
_PHONE: Final = _SPA | {"name": "Alder on the phone", "appType": "native", "thirdParty": True}
_AUDIENCES: Final = [{"identifier": "https://auth.alder.example", "isOwn": True}]
_AROUND: Final[Values] = {"audience": "https://auth.alder.example", "secret": None}
_SECRET: Final = "rxs_3KfQ9mZtW1yXcB7uRoPsLd5VhJ8nEaGqT2wUi0YkMzN4bC6"


def _one(name: str, app: dict[str, Any], **changes: Any) -> Any:
    return settings(name, "app", "apps", {"app": app, "audiences": _AUDIENCES}, **(_AROUND | changes))


def _typed(name: str, there_is: Any = None) -> Any:
    typed = "https://charts.alder.example\nhttp://charts.alder.example"
    return typed if name == "redirect_urls" else "" if there_is is None else there_is


_WRONG: Final[Values] = {
    "typed": _typed,
    "error": "Line 2: a URL must be https, or http to localhost.",
    "error_field": "redirect_urls",
}
SAMPLES: Final = (
    settings("apps", "apps", "apps", {"apps": [_SPA, _WEB, _PHONE, _SHARED]}),
    settings("apps-empty", "apps", "apps", {"apps": []}),
    settings("apps-read-empty", "apps", "apps", {"apps": []}, can=lambda _permission: False),
    *(
        settings(f"app-new-{place}", "app_new", "apps", {"__typename": "Query"}, app_type=app_type)
        for app_type, place in PLACES.items()
    ),
    settings("app-new-wrong", "app_new", "apps", {"__typename": "Query"}, app_type="spa", **_WRONG),
    settings("app-made", "app_secret", "apps", {"createApp": _WEB | {"secret": _SECRET}}),
    settings("app-secret", "app_secret", "apps", {"rotateSecret": _WEB | {"secret": _SECRET}}),
    _one("app-browser", _SPA, notice="The app was made."),
    _one("app-server", _WEB),
    _one("app-server-without", _WEB | {"secrets": [], "peopleLately": 0}),
    _one("app-device", _PHONE),
    _one("app-shared", _SHARED),
    _one("app-wrong", _SPA, **_WRONG),
    _one("app-read", _WEB, can=lambda permission: permission == "read:client"),
    settings("app-remove", "app_remove", "apps", {"app": _SPA}),
    settings("app-remove-unused", "app_remove", "apps", {"app": _SPA | {"peopleLately": 0}}),
    settings("app-secret-revoke", "app_secret_revoke", "apps", {"app": _WEB}, secret=_WEB["secrets"][0]),
    settings("app-secret-gone", "app_secret_revoke", "apps", {"app": _WEB}, secret=None),
)
