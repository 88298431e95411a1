"""One filled-in page for each template and state: what tests look at, and what who shows a page can copy."""

from typing import Final

from rxauth.crypto import qr
from tests.edge import page_samples_admin, page_samples_settings
from tests.edge.page_sample import CLIENT_ORIGIN, FORM, FRAME, NOW, Sample, Values

FIREFOX: Final = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHROME: Final = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML) Chrome/140.0 Safari/537.36"
SAFARI: Final = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Safari/604.1"
ASKED: Final = {"challenge": "AAAA", "rpId": "localhost", "allowCredentials": [], "userVerification": "required"}
OFFERED: Final = {
    "challenge": "AAAA",
    "rp": {"id": "localhost", "name": "rxauth"},
    "user": {"id": "AAAA", "name": "maya@alder.example", "displayName": "Maya Brandt"},
    "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
    "excludeCredentials": [],
}
LOGIN: Final[Values] = FORM | {
    "client_name": "Alder Scheduling",
    "branding": {"name": "Alder Clinic", "logo_url": None, "accent_url": None},
    "email": "",
    "forgot_url": "/password/reset",
    "passkey_options": ASKED,
    "connections": [],
    "by_hand": False,
    "finds_home": False,
    "only": None,
    "links": False,
    "has_passkey": False,
}
_CONNECTIONS: Final = [
    {"id": "con_1", "display_name": "Alder's directory"},
    {"id": "con_2", "display_name": "Laboratory"},
]
SECOND: Final[Values] = FORM | {
    "methods": ["passkey", "totp", "recovery"],
    "chosen": "totp",
    "passkey_options": ASKED,
}
INVITE: Final[Values] = FORM | {
    "organization_name": "Alder Clinic",
    "roles": ["Prescriber", "Administrator"],
    "inviter": "Ruth Alder",
    "needs_password": True,
    "first_name": "",
    "last_name": "",
}
_SSO_FAILED: Final[Values] = FORM | {
    "title": "You could not be signed in",
    "explanation": "Your organization's identity provider did not let you in, or not in a way that counts here.",
    "request_id": "01KAR0QY5J9V3M2T8Z4W6X7N1C",
}
CONSENT: Final[Values] = FORM | {
    "client_name": "Pillbox Reminders",
    "organization_name": "Alder Clinic",
    "permissions": [
        {"name": "read:patient", "meaning": "see patients"},
        {"name": "read:prescription", "meaning": "see prescriptions"},
    ],
    "scopes": ["openid", "profile", "email", "offline_access"],
    "destination": "app.pillbox.example",
}
_THERE: Final[Values] = {
    **dict.fromkeys(("title", "middle_name", "npi", "phone", "fax"), ""),
    **dict.fromkeys(("street1", "street2", "city", "state", "postal_code", "country"), ""),
    "first_name": "Maya",
    "last_name": "Brandt",
}
PROFILE: Final[Values] = FRAME | {
    "tab": "profile",
    "there": _THERE,
    "was": {f"was_{name}": text for name, text in _THERE.items()},
    "pending_email": None,
    "typed_email": "",
}
SECURITY: Final[Values] = FRAME | {
    "tab": "security",
    "password_minimum": 8,
    "totp_added_at": NOW - 40 * 86_400,
    "passkeys": [
        {"id": "psk_1", "name": "MacBook", "added_at": NOW - 9 * 86_400, "last_used_at": NOW - 180},
        {"id": "psk_2", "name": "Blue security key", "added_at": NOW - 86_400, "last_used_at": None},
    ],
    "recovery_codes_left": 8,
    "required_by": ["Alder Clinic"],
    "passkey_options": OFFERED,
}
SESSIONS: Final[Values] = FRAME | {
    "tab": "sessions",
    "sessions": [
        {
            "id": f"ses_{number}",
            "device": device,
            "network": network,
            "created_at": NOW - hours * 3600,
            "last_seen_at": NOW - number * 4000,
            "is_current": number == 0,
        }
        for number, (device, network, hours) in enumerate(
            [(FIREFOX, "203.0.113.7", 1), (CHROME, "2001:db8:85a3::/64", 5), (SAFARI, "198.51.100.24", 20)]
        )
    ],
}
APPS: Final[Values] = FRAME | {
    "tab": "apps_of_person",
    "apps": [
        {
            "client_id": "cli_1",
            "name": "Pillbox Reminders",
            "organization_name": "Alder Clinic",
            "permissions": ["see patients", "see prescriptions"],
            "agreed_at": NOW - 3 * 86_400,
        },
        {"client_id": "cli_2", "name": "Diary", "organization_name": None, "permissions": [], "agreed_at": NOW},
    ],
}
SET_UP: Final[Values] = FORM | {
    "reason": "Alder Clinic asks everybody for a second factor.",
    "qr_svg": qr.as_svg("otpauth://totp/rxauth:maya@alder.example?secret=JBSWY3DPEHPK3PXP"),
    "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    "passkey_options": OFFERED,
    "cancel_url": None,
}
CODES: Final[Values] = FORM | {"codes": [f"7k2m-9xq{n}-w4tr-h8vd" for n in range(10)]}
LETTER: Final[Values] = {
    "at": NOW - 60,
    "to": "maya@alder.example",
    "subject": "Reset your password",
    "text": "Hello Maya,\n\nopen this link within an hour:\n\nhttp://localhost:8000/password/reset/aB3_x?y=1\n\nrxauth",
}


def _of_sign_in(name: str, template: str, values: Values) -> Sample:
    return Sample(name, template, values, CLIENT_ORIGIN)


_WRONG_LOGIN = LOGIN | {
    "email": "maya@alder.example",
    "error": "This email address and password do not belong together. Check both, or reset your password.",
    "error_field": "password",
    "organization_name": None,
}
_WRONG_CODE = SECOND | {
    "error": "This code is not right, or was used already. Enter the one that the app shows now.",
    "error_field": "code",
}
_WRONG_INVITE = INVITE | {
    "first_name": "Maya",
    "last_name": "Brandt",
    "error": "This password is too common. Choose one that others would not think of.",
    "error_field": "password",
}
_ORGANIZATIONS = FORM | {
    "client_name": "Alder Scheduling",
    "organizations": [
        {"id": "org_1", "name": "Alder Clinic"},
        {"id": "org_2", "name": "Birch Clinic"},
        {"id": "org_3", "name": "عيادة الأرز"},
    ],
}
_ERROR = {
    "title": "This sign-in is over",
    "explanation": "It was finished, it took more than 30 minutes, or it was begun in another browser.",
    "next_step": "Go back to the application and sign in again.",
    "request_id": "9f86d081884c7d65",
}
_EXPIRED = {
    "explanation": "It was used already, or is more than an hour old.",
    "next_step": "Ask for a new one; it takes a minute.",
    "next_url": "/password/reset",
    "next_text": "Ask for a new link",
}
_NOTICE = {
    "title": "You are part of Alder Clinic",
    "explanation": "Open the application that you work with, and log in with your email address.",
    "next_url": None,
    "next_text": None,
}
_CONFIRM = FORM | {
    "title": "Remove the authenticator app?",
    "explanation": "Your password alone will let you in. You have 8 recovery codes, which stop working too.",
    "button": "Remove the app",
    "act": "remove_totp",
    "extra": {"confirmed": "yes"},
    "cancel_url": "/account/security",
}
_CONFIRM_EMAIL = FORM | {
    "title": "Use this address from now on?",
    "explanation": "You log in with maya@birch.example then, and emails go to it.",
    "button": "Use this address",
    "act": "confirm",
    "extra": {},
    "cancel_url": None,
    "is_harmless": True,
}
_EMPTY_SECURITY = SECURITY | {
    "totp_added_at": None,
    "passkeys": [],
    "recovery_codes_left": 0,
    "required_by": [],
    "password_minimum": 15,
}
_CHANGED_PROFILE = PROFILE | {
    "notice": "Saved.",
    "pending_email": "maya@birch.example",
    "there": _THERE | {"title": "Dr.", "phone": "+17185550100", "street1": "1 Main Street", "city": "Albany"},
}
_WRONG_PROFILE = _CHANGED_PROFILE | {"notice": None, "error": "State is blank.", "error_field": "state"}

_BRANDING = {
    "name": "Alder Clinic",
    "logo_url": "/branding/org_01J9ZK3V6T8Q/0123456789abcdef.png",
    "accent_url": "/branding/7c1fa0.css",
}

SAMPLES: Final = (
    _of_sign_in("login", "login.html", LOGIN | {"is_for_client": True}),
    _of_sign_in("login-wrong", "login.html", _WRONG_LOGIN),
    _of_sign_in("login-branded", "login.html", LOGIN | {"branding": _BRANDING}),
    _of_sign_in("login-home", "login.html", LOGIN | {"finds_home": True}),
    _of_sign_in("login-connection", "login.html", LOGIN | {"only": "connection", "connections": _CONNECTIONS}),
    _of_sign_in("login-connection-none", "login.html", LOGIN | {"only": "connection"}),
    _of_sign_in("login-emergency", "login.html", LOGIN | {"only": "connection", "by_hand": True}),
    _of_sign_in("emergency-access", "emergency_access.html", FORM | {"organization_name": "Alder Clinic"}),
    _of_sign_in("login-passkey", "login.html", LOGIN | {"only": "passkey"}),
    _of_sign_in("login-own-passkey", "login.html", LOGIN | {"only": "passkey", "has_passkey": True}),
    _of_sign_in("second-factor-totp", "second_factor.html", SECOND),
    _of_sign_in("second-factor-wrong", "second_factor.html", _WRONG_CODE),
    _of_sign_in("second-factor-passkey", "second_factor.html", SECOND | {"chosen": "passkey"}),
    _of_sign_in("second-factor-recovery", "second_factor.html", SECOND | {"chosen": "recovery"}),
    _of_sign_in("set-up-factor", "set_up_factor.html", SET_UP),
    _of_sign_in("set-up-passkey", "set_up_factor.html", SET_UP | {"qr_svg": None, "secret": None}),
    _of_sign_in("recovery-codes", "recovery_codes.html", CODES),
    _of_sign_in("organizations", "organizations.html", _ORGANIZATIONS),
    _of_sign_in("consent", "consent.html", CONSENT),
    Sample("error", "error.html", _ERROR),
    Sample("logout", "logout.html", FORM | {"client_name": "Alder Scheduling", "cancel_url": "/account"}),
    Sample("logged-out", "logged_out.html", {"client_name": "Alder Scheduling"}),
    Sample("invite", "accept_invite.html", INVITE),
    Sample("invite-wrong", "accept_invite.html", _WRONG_INVITE),
    Sample("invite-known", "accept_invite.html", INVITE | {"needs_password": False}),
    Sample("reset-ask", "reset_ask.html", FORM | {"back_url": "/sign-in/sgn_1"}),
    Sample("reset-sent", "reset_sent.html", {"email": "maya@alder.example"}),
    Sample("reset", "reset.html", FORM),
    Sample("email-confirmed", "email_confirmed.html", {"email": "maya@birch.example"}),
    Sample("link-expired", "link_expired.html", _EXPIRED),
    Sample("notice", "notice.html", _NOTICE),
    Sample("leave", "leave.html", {"url": "https://login.alder.example/authorize?a=b", "host": "login.alder.example"}),
    Sample("sso_failed", "sso_failed.html", _SSO_FAILED | {"is_for_client": True}, CLIENT_ORIGIN),
    Sample("sso_failed_for_good", "sso_failed.html", _SSO_FAILED | {"action": None}),
    Sample("login_to_link", "login.html", LOGIN | {"links": True, "finds_home": True, "email": "maya@alder.example"}),
    Sample("confirm", "confirm.html", _CONFIRM),
    Sample("confirm-harmless", "confirm.html", _CONFIRM_EMAIL),
    Sample("mails", "mails.html", {"letters": [LETTER, LETTER | {"subject": "You are invited to Alder Clinic"}]}),
    Sample("mails-none", "mails.html", {"letters": []}),
    Sample("account-profile", "account_profile.html", PROFILE),
    Sample("account-profile-wrong", "account_profile.html", _WRONG_PROFILE),
    Sample("account-profile-changed", "account_profile.html", _CHANGED_PROFILE),
    Sample("account-security", "account_security.html", SECURITY),
    Sample("account-security-empty", "account_security.html", _EMPTY_SECURITY),
    Sample("account-sessions", "account_sessions.html", SESSIONS),
    Sample("account-apps", "account_apps.html", APPS),
    Sample("account-apps-none", "account_apps.html", APPS | {"apps": []}),
    *page_samples_settings.SAMPLES,
    *page_samples_admin.SAMPLES,
)
