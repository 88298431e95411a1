"""Which second factors of an identity provider count here: only those that the connection names, value by value.

What a provider says of its sign-in is amr and acr (OpenID Connect Core §2, RFC 8176), of SAML AuthnContextClassRef;
their values mean what the provider says they mean, so none of them counts by itself.
"""

from collections.abc import Iterable

from rxauth.policy.assurance import SEVERAL_FACTORS


def matched(said: Iterable[str], counting: Iterable[str]) -> tuple[str, ...]:
    """Returns those values that the provider said and that count, in the order in which it said them."""
    counted = frozenset(counting)
    return tuple(one for one in dict.fromkeys(said) if one in counted)


def methods(said: Iterable[str], counting: Iterable[str]) -> tuple[str, ...]:
    """Returns what a sign-in at the provider proves beside who vouches for it: several factors, or nothing more."""
    return (SEVERAL_FACTORS,) if matched(said, counting) else ()
