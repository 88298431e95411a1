"""Single sign-on that everybody must use: what has to be there before it is asked for, and as long as it is."""

from collections.abc import Sequence

from rxauth.domain import connections, domains, emergency_access, organizations
from rxauth.domain.errors import RefusedError
from rxauth.domain.organizations import Organization
from rxauth.policy.assurance import FirstFactor
from rxauth.storage.database import Transaction


class NotReadyError(RefusedError):
    """Nobody could sign in."""


def lacking(transaction: Transaction, organization_id: str) -> Sequence[NotReadyError]:
    """Lists what has to be done before single sign-on can be asked of everybody."""
    usable = [one for one in connections.all_of(transaction, organization_id) if one.disabled_at is None]
    found = []
    if not usable:
        found.append(NotReadyError("connection_needed", "add a connection to your identity provider, and enable it"))
    elif all(one.proven_at is None for one in usable):
        found.append(NotReadyError("connection_untried", "try a connection: nobody has come through one as it is now"))
    if all(one.verified_at is None for one in domains.all_of(transaction, organization_id)):
        found.append(NotReadyError("domain_needed", "verify an e-mail domain"))
    if not emergency_access.named(transaction, organization_id):
        found.append(
            NotReadyError("emergency_access_needed", "give an administrator who has a second factor emergency access")
        )
    return found


def require_ready(transaction: Transaction, organization_id: str) -> None:
    """Checks that single sign-on can be asked of everybody.

    Raises:
        NotReadyError: something has to be done first.
    """
    for one in lacking(transaction, organization_id):
        raise NotReadyError(one.code, f"before everybody must use single sign-on: {one}")


def require_somebody(transaction: Transaction, organization: Organization) -> None:
    """Checks that somebody has emergency access, if everybody else must use single sign-on.

    Raises:
        NotReadyError: nobody has.
    """
    is_forced = organization.sole_first_factor is FirstFactor.CONNECTION
    if is_forced and not emergency_access.named(transaction, organization.id):
        raise NotReadyError(
            "emergency_access_needed", "everybody must use single sign-on: somebody keeps a way past it"
        )


def require_without(
    transaction: Transaction, organization_id: str, *, connection_id: str | None = None, domain_id: str | None = None
) -> None:
    """Checks that people can still sign in once a connection or a domain is used no longer.

    Raises:
        NotReadyError: everybody must use single sign-on, and it is the last one.
    """
    organization = organizations.find(transaction, organization_id)
    if organization is None or organization.sole_first_factor is not FirstFactor.CONNECTION:
        return
    left = (one for one in connections.all_of(transaction, organization_id) if one.disabled_at is None)
    if connection_id is not None and all(one.id == connection_id for one in left):
        raise _last("connection")
    verified = (one for one in domains.all_of(transaction, organization_id) if one.verified_at is not None)
    if domain_id is not None and all(one.id == domain_id for one in verified):
        raise _last("verified domain")


def _last(what: str) -> NotReadyError:
    told = f"everybody must use single sign-on, and this is the last {what}: let people sign in in other ways first"
    return NotReadyError("single_sign_on_forced", told)
