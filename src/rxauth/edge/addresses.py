"""The paths of our own pages that other pages, letters and commands lead to."""

from typing import Final

AUTHORIZE_PATH: Final = "/authorize"
SIGN_IN_PATH: Final = "/sign-in"
ACCOUNT_PATH: Final = "/account"
RESET_PATH: Final = "/reset"
LOGOUT_PATH: Final = "/oidc/logout"
MAIL_PATH: Final = "/mail"
SETTINGS_PATH: Final = "/settings"
