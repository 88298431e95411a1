"""The organization's machine client: shown with what it may do, made, and given permissions."""

from collections.abc import Sequence
from dataclasses import dataclass

from rxauth.api.context import Info
from rxauth.api.errors import ForbiddenError
from rxauth.api.management.callers import actor, require_second_factor
from rxauth.domain import audit, machine_clients
from rxauth.domain.audit import Event
from rxauth.domain.clients import Client
from rxauth.domain.errors import ExistsError, InvalidError
from rxauth.policy import machine_giving
from rxauth.policy.permissions import BY_NAME, PERMISSIONS, Machine
from rxauth.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class Shown:
    """A permission beside the client that has it or not; see the contract."""

    name: str
    meaning: str
    is_given: bool
    is_default: bool
    is_possible: bool
    reason: str | None

    @property
    def can_be_given(self) -> bool:
        """Whether nothing speaks against it."""
        return self.reason is None


def find(_root: None, info: Info) -> Client | None:
    """Query.machineClient."""
    context = info.context
    return context.read(lambda tx: machine_clients.find(tx, context.organization_id))


def create(_root: None, info: Info, name: str) -> Client:
    """Mutation.createMachineClient."""
    context = info.context

    def work(transaction: Transaction) -> Client:
        made = machine_clients.create(transaction, context.organization_id, name, context.clock.seconds())
        act = audit.Act(Event.CLIENT_CREATED, actor(context.caller), context.organization_id, made.id)
        audit.record(transaction, act, context.clock.microseconds())
        return made

    return context.write(work)


def set_permissions(_root: None, info: Info, permissions: Sequence[str], given: Sequence[str] | None = None) -> Client:
    """Mutation.setMachinePermissions: the next request of the client is judged by them, in every process.

    Raises:
        ForbiddenError: one of them is not the caller's to give. StepUpError: something is to be given, and the caller,
        who has a second factor, did not prove it lately. ExistsError: it has others than the caller saw.
        InvalidError: there is no such permission. AbsentError: there is no machine client.
    """
    context = info.context
    now, wanted = context.clock.seconds(), frozenset(permissions)
    unknown = wanted - BY_NAME.keys()
    if unknown:
        raise InvalidError("one of the permissions is none that there is", "permissions")

    def work(transaction: Transaction) -> Client:
        client = machine_clients.lock(transaction, context.organization_id)
        before = client.subject.permissions
        if given is not None and frozenset(given) != before:
            raise ExistsError("the permissions were changed meanwhile: look at them again", "given")
        new = wanted - before
        if new:
            refused = machine_giving.first_refused(context.caller, new, now)
            if refused is not None:
                raise ForbiddenError(refused, Event.CLIENT_PERMISSIONS_REFUSED)
            require_second_factor(context, transaction)
        changed = machine_clients.set_permissions(transaction, client, wanted, now)
        if changed.given or changed.taken:
            named = {"given": changed.given, "taken": changed.taken}
            details: dict[str, str | int] = {name: " ".join(sorted(some)) for name, some in named.items() if some}
            who, where = actor(context.caller), context.organization_id
            act = audit.Act(Event.CLIENT_PERMISSIONS_SET, who, where, client.id, details=details)
            audit.record(transaction, act, context.clock.microseconds())
        return machine_clients.lock(transaction, context.organization_id)

    return context.write(work)


def permissions(client: Client, info: Info) -> Sequence[Shown]:
    """MachineClient.permissions: in the table's order, with what speaks against giving each."""
    context = info.context
    now = context.clock.seconds()

    def shown(name: str) -> Shown:
        permission = BY_NAME[name]
        refused = machine_giving.insufficient(context.caller, permission, now)
        return Shown(
            name,
            permission.meaning,
            name in client.subject.permissions,
            permission.machine is Machine.DEFAULT,
            permission.machine is not Machine.NEVER,
            None if refused is None else refused.refusal.reason,
        )

    return [shown(permission.name) for permission in PERMISSIONS]


def audience(_client: Client, info: Info) -> str:
    """MachineClient.audience."""
    return info.context.require_terms().audience


def token_lifetime(_client: Client, info: Info) -> int:
    """MachineClient.tokenLifetimeSeconds."""
    return info.context.require_terms().machine_token_s
