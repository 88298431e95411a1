"""API clients: listed without their secrets, and a new secret shown once."""

from collections.abc import Sequence
from typing import Final

from rxauth.api.context import Info
from rxauth.api.management.callers import actor
from rxauth.domain import audit, clients
from rxauth.domain.audit import Event
from rxauth.domain.client_secrets import Described
from rxauth.domain.clients import Listed
from rxauth.domain.errors import AbsentError
from rxauth.storage.database import Transaction

OVERLAP_S: Final = 86_400


def search(_root: None, info: Info) -> Sequence[Listed]:
    """Query.clients: the organization's own, oldest first; a secret is not known any more."""
    context = info.context
    return context.read(lambda tx: clients.of_organization(tx, context.organization_id))


def rotate_secret(_root: None, info: Info, id: str) -> Listed:  # noqa: A002  # the contract's name
    """Mutation.rotateSecret: the secret before works for `OVERLAP_S` more.

    Raises:
        AbsentError: the organization has no such client. InvalidError: it has no secret.
        ExistsError: two secrets work already.
    """
    context = info.context
    now = context.clock.seconds()

    def work(transaction: Transaction) -> Listed:
        mine = {one.id: one for one in clients.of_organization(transaction, context.organization_id)}
        if id not in mine:
            raise AbsentError("there is no such client", "id")
        described = Described(created_by=actor(context.caller).id)
        made = clients.rotate_secret(transaction, id, OVERLAP_S, now, described)
        act = audit.Act(Event.SECRET_CREATED, actor(context.caller), context.organization_id, made.id)
        audit.record(transaction, act, context.clock.microseconds())
        return Listed(id, mine[id].name, mine[id].app_type, made.text)

    return context.write(work)
