"""Which claims of a person a scope releases (OpenID Connect Core §5.4)."""

from collections.abc import Iterable

from rxauth.domain.users import User
from rxauth.oauth.scopes import EMAIL, PROFILE


def claims(scope: Iterable[str], user: User) -> dict[str, str | bool]:
    """Returns the claims about a person that the names in `scope` release; what is not known is left out."""
    found: dict[str, str | bool | None] = {}
    names = frozenset(scope)
    if PROFILE in names:
        found |= {
            "name": user.name.full,
            "given_name": user.name.first,
            "middle_name": user.name.middle,
            "family_name": user.name.last,
            "nickname": user.name.first,
        }
    if EMAIL in names:
        found |= {"email": user.email, "email_verified": user.email_verified_at is not None}
    return {name: value for name, value in found.items() if value is not None}
