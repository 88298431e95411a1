"""Samples of the pages of connections."""

from typing import Any, Final

from rxauth.domain.connection_urls import urls_of
from rxauth.edge.settings.trial_words import ADVICE, MENDING
from tests.edge.page_sample import Values, settings

TAB: Final = "single_sign_on"
_ID: Final = "con_01J9ZK3V6T8QAAAAAAAAAAAAAA"
GROUP: Final = "8d2f6c0e-5a1b-4f7e-9c33-0b6f1a2d7e45"


def _urls(name: str) -> dict[str, str]:
    urls = urls_of("https://auth.alder.example", name)
    return {
        "callback": urls.callback,
        "backchannelLogout": urls.backchannel_logout,
        "entityId": urls.entity_id,
        "assertionConsumer": urls.assertion_consumer,
        "singleLogout": urls.single_logout,
    }


_ENTRA: Final[dict[str, Any]] = {
    "id": _ID,
    "name": "alder-clinic-entra",
    "displayName": "Alder Microsoft account",
    "kind": "OPENID_CONNECT",
    "isEnabled": True,
    "joining": "JUST_IN_TIME",
    "createdAt": "2026-11-20T09:30:00.000Z",
    "people": 41,
    "lastUsedAt": "2026-11-23T11:48:00.000Z",
    "openIdConnect": {
        "issuer": "https://login.microsoftonline.com/5c1f7a0e-2b4d-4f7e-9c33-0b6f1a2d7e45/v2.0",
        "clientId": "0f2b6c1e-7d3a-4e7b-8f0c-1a2b3c4d5e6f",
        "authentication": "SECRET_BASIC",
        "hasSecret": True,
        "scopes": ["openid", "email", "profile"],
    },
    "saml": None,
    "ownCertificates": [],
    "claims": {
        "email": "preferred_username",
        "firstName": "given_name",
        "lastName": "family_name",
        "groups": "groups",
        "secondFactor": ["mfa"],
    },
    "groups": [
        {"group": "*", "roles": [{"id": "rol_support", "name": "Support"}]},
        {
            "group": GROUP,
            "roles": [{"id": "rol_staff", "name": "Staff"}, {"id": "rol_developer", "name": "Developer"}],
        },
    ],
    "urls": _urls("alder-clinic-entra"),
}
_FINGERPRINTS: Final = [
    "3F:8A:0C:51:9E:77:D4:2B:66:1D:E0:95:4A:BC:08:F3:27:61:90:DD:5E:14:C8:3A:72:B9:06:EF:41:8D:2C:A7",
    "B1:04:7C:9A:5E:20:D8:33:91:6F:AA:0D:48:E2:75:1C:F6:0B:84:C9:37:52:EE:19:A0:6D:28:FB:43:90:D5:7E",
]
_LINE: Final = f"{'MIIDBzCCAe+gAwIBAgIU':A<64}\n"
_PEM: Final = f"-----BEGIN CERTIFICATE-----\n{_LINE * 15}-----END CERTIFICATE-----\n"


def _own(state: str, fingerprint: str, ends_at: str) -> dict[str, Any]:
    return {"state": state, "fingerprint": fingerprint, "endsAt": ends_at, "hasEnded": False, "pem": _PEM}


_CURRENT: Final = _own("CURRENT", _FINGERPRINTS[0], "2036-11-17T00:00:00.000Z")
_NEXT: Final = _own("NEXT", _FINGERPRINTS[1], "2036-11-20T00:00:00.000Z")
_SAML: Final = _ENTRA | {
    "ownCertificates": [_CURRENT],
    "name": "alder-clinic-saml",
    "displayName": "Alder Hospital",
    "kind": "SAML",
    "joining": "INVITE_ONLY",
    "people": 0,
    "lastUsedAt": None,
    "openIdConnect": None,
    "saml": {
        "entityId": "https://idp.alder.example/saml",
        "ssoUrl": "https://idp.alder.example/saml/sso",
        "sloUrl": None,
        "idpInitiated": False,
        "certificates": [
            {"fingerprint": _FINGERPRINTS[0], "endsAt": "2026-11-01T00:00:00.000Z", "hasEnded": True},
            {"fingerprint": _FINGERPRINTS[1], "endsAt": "2029-11-01T00:00:00.000Z", "hasEnded": False},
        ],
    },
    "claims": {"email": "email", "firstName": "firstName", "lastName": "lastName", "groups": None, "secondFactor": []},
    "groups": [],
    "urls": _urls("alder-clinic-saml"),
}
_SOON: Final = {"fingerprint": _FINGERPRINTS[1], "endsAt": "2026-12-13T00:00:00.000Z", "hasEnded": False}
_OFF: Final = _SAML | {
    "isEnabled": False,
    "saml": _SAML["saml"] | {"certificates": [_SOON]},
    "ownCertificates": [_CURRENT | _SOON],
}
ROLES: Final[list[dict[str, Any]]] = [
    {"role": {"id": "rol_administrator", "name": "Administrator", "description": ""}, "refusal": "no group gives it"},
    {"role": {"id": "rol_developer", "name": "Developer", "description": "Sees no patient."}, "refusal": None},
    {"role": {"id": "rol_prescriber", "name": "Prescriber", "description": ""}, "refusal": "no group gives it"},
    {"role": {"id": "rol_staff", "name": "Staff", "description": "Edits no patient."}, "refusal": None},
    {"role": {"id": "rol_support", "name": "Support", "description": "Sees patients."}, "refusal": None},
]
OFFERED: Final = [tuple(one["role"].values()) for one in ROLES if one["refusal"] is None]
_TITLES: Final = {
    "entra": "Entra ID",
    "google": "Google Workspace",
    "okta": "Okta",
    "openid": "Another OpenID provider",
    "saml": "SAML 2.0",
}
_TRIAL: Final[dict[str, Any]] = {
    "claims": [
        {"name": "amr", "values": ["pwd", "mfa"]},
        {"name": "family_name", "values": ["Brandt"]},
        {"name": "given_name", "values": ["Maya"]},
        {"name": "groups", "values": [GROUP]},
        {"name": "iat", "values": ["1795435200"]},
        {"name": "preferred_username", "values": ["maya@alder.example"]},
        {"name": "wids", "values": []},
    ],
    "email": "maya@alder.example",
    "firstName": "Maya",
    "lastName": "Brandt",
    "groups": [GROUP],
    "roles": [{"name": "Staff"}],
    "secondFactor": ["mfa"],
    "code": None,
    "explanation": None,
    "mustLink": False,
}
_MEANINGS: Final = {
    "preferred_username": ["Email address"],
    "given_name": ["First name"],
    "family_name": ["Last name"],
    "groups": ["Groups"],
    "amr": ["Second factor"],
}
_REFUSED: Final = _TRIAL | {
    "email": None,
    "groups": [],
    "roles": [],
    "secondFactor": [],
    "code": "email_not_verified",
    "explanation": "the provider names no e-mail address of the person, or does not say that it is verified",
}
_UNDONE: Final = _REFUSED | {
    "claims": [],
    "code": "code_refused",
    "explanation": "the provider gave no ID token: invalid_client: check the client ID and the secret",
}


def _new(provider: str, state: str = "", **changes: Any) -> Any:
    name = f"alder-clinic-{provider}"
    around: Values = {
        "provider": provider,
        "provider_title": _TITLES[provider],
        "connection_name": name,
        "paths": urls_of("", name),
    }
    data = {"organization": {"id": "org_1", "name": "Alder Clinic"}}
    return settings(f"connection-new-{provider}{state}", "connection_new", TAB, data, **around, **changes)


def _one(name: str, template: str, connection: dict[str, Any], **changes: Any) -> Any:
    data = {"connection": connection, "mappableRoles": ROLES}
    title = "SAML 2.0" if connection["saml"] else "Entra ID"
    around: Values = {"provider_title": title, "provider": "saml" if connection["saml"] else "entra"}
    around |= {"lines": {}, "everybody": [], "role_choices": OFFERED}
    return settings(name, template, TAB, data, **(around | changes))


_LOOKED: Final[Values] = {
    "saml": {
        "entity_id": "https://idp.alder.example/saml",
        "sso_url": "https://sso.alder.example/saml/sso",
        "slo_url": None,
    },
    "certificates": [
        {"fingerprint": _FINGERPRINTS[1], "ends_at": 1_888_000_000},
        {"fingerprint": ":".join(["5C"] * 32), "ends_at": 1_950_000_000},
    ],
    "digest": "5c" * 32,
}


def _certificates(name: str, *there: dict[str, Any], template: str = "connection_own", people: int = 41) -> Any:
    by_state = {"current": None, "next": None, "previous": None}
    by_state |= {one["state"].lower(): one for one in there}
    return _one(name, template, _SAML | {"ownCertificates": [*there], "people": people}, by_state=by_state)


def _trial(name: str, trial: Any, connection: dict[str, Any] = _ENTRA, **changes: Any) -> Any:
    data = {"connection": connection, "connectionTrial": trial}
    title = "SAML 2.0" if connection["saml"] else "Entra ID"
    advice = None if trial is None else ADVICE.get(trial["code"] or "")
    mends = None if trial is None else MENDING.get(trial["code"] or "")
    around: Values = {"provider_title": title, "provider": "saml" if connection["saml"] else "entra"}
    around |= {"meanings": _MEANINGS, "advice": advice, "mends": mends, "is_over": False}
    return settings(f"connection-trial-{name}", "connection_trial", TAB, data, **(around | changes))


_WRONG: Final[Values] = {
    "error": "The provider calls itself https://idp.alder.example/: enter exactly this as the issuer.",
    "error_field": "issuer",
}
_LINES: Final = {"rol_staff": GROUP, "rol_developer": GROUP}
SAMPLES: Final = (
    settings("connections", "connections", TAB, {"connections": [_ENTRA, _SAML, _OFF]}),
    settings("connections-empty", "connections", TAB, {"connections": []}),
    settings("connections-read-empty", "connections", TAB, {"connections": []}, can=lambda _permission: False),
    *(_new(provider) for provider in _TITLES),
    _new("openid", "-wrong", **_WRONG),
    _one(
        "connection-entra",
        "connection",
        _ENTRA,
        notice="The connection was added.",
    ),
    _one("connection-saml", "connection", _SAML),
    _one("connection-off", "connection", _OFF),
    _one("connection-read", "connection", _ENTRA, can=lambda permission: permission == "read:connection"),
    _one("connection-change", "connection_change", _ENTRA),
    _one("connection-change-saml", "connection_change", _SAML),
    _one("connection-claims", "connection_claims", _ENTRA),
    _one("connection-factors", "connection_factors", _ENTRA),
    _one("connection-factors-saml", "connection_factors", _SAML),
    _one("connection-groups", "connection_groups", _ENTRA, lines=_LINES, everybody=["rol_support"]),
    _one("connection-groups-unread", "connection_groups", _SAML),
    _one("connection-secret", "connection_secret", _ENTRA),
    _one("connection-certificates", "connection_certificates", _SAML, looked=None),
    _one("connection-certificates-looked", "connection_certificates", _SAML, looked=_LOOKED),
    _one("connection-certificates-none", "connection_certificates", _ENTRA, looked=None),
    _certificates("connection-own-none"),
    _certificates("connection-own", _CURRENT),
    _certificates("connection-own-published", _CURRENT, _NEXT),
    _certificates("connection-own-changed", _NEXT | {"state": "CURRENT"}, _CURRENT | {"state": "PREVIOUS"}),
    _one("connection-own-openid", "connection_own", _ENTRA, by_state={}),
    _certificates("connection-own-use", _CURRENT, _NEXT, template="connection_own_use"),
    _certificates("connection-own-use-one", _CURRENT, _NEXT, template="connection_own_use", people=1),
    _certificates("connection-own-use-unused", _CURRENT, _NEXT, template="connection_own_use", people=0),
    _certificates("connection-own-use-none", _CURRENT, template="connection_own_use"),
    _one("connection-remove", "connection_remove", _ENTRA),
    _one("connection-remove-unused", "connection_remove", _SAML),
    _trial("before", None),
    _trial("over", None, is_over=True),
    _trial("good", _TRIAL),
    _trial("must-link", _TRIAL | {"mustLink": True}),
    _trial("refused", _REFUSED),
    _trial("undone", _UNDONE),
    _trial("saml", _TRIAL | {"groups": [], "roles": [], "secondFactor": []}, _SAML),
)
