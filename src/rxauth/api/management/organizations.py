"""Organizations: the caller's, those of a person, and what changes of one."""

from collections.abc import Sequence

from rxauth.api.context import Info
from rxauth.api.management.callers import actor
from rxauth.api.management.inputs import OrganizationInput
from rxauth.domain import audit, organizations, own_account, sessions
from rxauth.domain.audit import Event
from rxauth.domain.errors import AbsentError
from rxauth.domain.organizations import Organization
from rxauth.policy.subjects import UserSubject
from rxauth.storage.database import Transaction


def organization(_root: None, info: Info) -> Organization:
    """Query.organization: the one that the token is for."""
    context = info.context
    found = context.read(lambda tx: organizations.find(tx, context.organization_id))
    if found is None:
        raise AbsentError("there is no such organization")
    return found


def of_person(_root: None, info: Info) -> Sequence[Organization]:
    """Query.organizations: those that the person works for, and the session opens."""
    caller = info.context.caller
    user_id = caller.subject.user_id if isinstance(caller.subject, UserSubject) else ""

    def work(transaction: Transaction) -> list[Organization]:
        session = sessions.load(transaction, caller.session_id or "")
        mine = organizations.of_person(transaction, user_id)
        return [one for one in mine if own_account.is_open_to(session, one.id)]

    return info.context.read(work)


def update(
    _root: None,
    info: Info,
    input: OrganizationInput,  # noqa: A002  # the contract's name
    version: str | None = None,
) -> Organization:
    """Mutation.updateOrganization: what is not named stays.

    Raises:
        InvalidError: a value that no organization has. StaleError: see `version`.
    """
    context = info.context

    def work(transaction: Transaction) -> Organization:
        where = context.organization_id
        after, names = organizations.change(transaction, where, expected=version, **input.changes)
        if names:
            named: dict[str, str | int] = dict.fromkeys(sorted(names), 1)
            act = audit.Act(Event.ORGANIZATION_CHANGED, actor(context.caller), where, where, details=named)
            audit.record(transaction, act, context.clock.microseconds())
        return after

    return context.write(work)


def version_of(source: Organization, _info: Info) -> str:
    """Organization.version."""
    return organizations.version(source)


def kind(_source: Organization, _info: Info) -> str:
    """Organization.type: pharmacies are no organizations of this server."""
    return "PRESCRIBER"
