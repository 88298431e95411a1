"""The paths of our own pages that other pages, letters and commands lead to."""

from typing import Final

AUTHORIZE_PATH: Final = "/authorize"
SIGN_IN_PATH: Final = "/sign-in"
RESET_PATH: Final = "/reset"
