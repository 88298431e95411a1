"""Orders: made, added to, sent to pharmacies, canceled."""

from collections.abc import Callable, Sequence
from typing import Final

from rxauth.api.clinical.inputs import FillInput
from rxauth.api.clinical.meet import met_orders
from rxauth.api.context import Context, Info
from rxauth.api.errors import WriterRefusedError
from rxauth.api.schema import Resolver
from rxauth.domain import order_acts, ordering
from rxauth.domain.errors import AbsentError
from rxauth.domain.names import Address
from rxauth.domain.order_checks import Refused
from rxauth.domain.ordering import NewOrder, Wish
from rxauth.domain.orders import Order
from rxauth.storage.database import Transaction


def create(
    _root: None,
    info: Info,
    patient_id: str,
    fills: Sequence[FillInput],
    external_id: str | None = None,
    address: Address | None = None,
    address_id: str | None = None,
    pharmacy_id: str | None = None,
    group_id: str | None = None,
    supervisor_id: str | None = None,
) -> Order:
    """Mutation.createOrder. Published clients send an empty identifier where they have none."""
    context = info.context
    if group_id:
        raise AbsentError("groupId: there are no groups here; leave it out", "groupId")
    if supervisor_id:
        raise AbsentError("supervisorId: there are no supervisors here; leave it out", "supervisorId")
    new = NewOrder(patient_id, _wishes(fills), pharmacy_id or None, address, address_id or None, external_id)
    return _done(context, lambda tx: ordering.create(tx, context.caller, new, context.clock))


def update(_root: None, info: Info, id: str, fills: Sequence[FillInput]) -> Order:
    """Mutation.updateOrder."""
    context = info.context
    wishes = _wishes(fills)
    return _done(context, lambda tx: ordering.add_fills(tx, context.caller, id, wishes, context.clock))


def cancel(_root: None, info: Info, id: str, reason: str | None = None) -> Order:
    """Mutation.cancelOrder."""
    context = info.context
    now_ms = context.clock.milliseconds()
    return _done(context, lambda tx: order_acts.cancel(tx, context.organization_id, id, reason, now_ms))


def route(_root: None, info: Info, id: str, pharmacy_id: str) -> Order:
    """Mutation.routeOrder."""
    context = info.context
    return _done(context, lambda tx: order_acts.route(tx, context.caller, id, pharmacy_id, context.clock))


def reroute(_root: None, info: Info, id: str, pharmacy_id: str) -> Order:
    """Mutation.rerouteOrder."""
    context = info.context
    return _done(context, lambda tx: order_acts.reroute(tx, context.caller, id, pharmacy_id, context.clock))


def resend(_root: None, info: Info, id: str) -> Order:
    """Mutation.resendOrder."""
    context = info.context
    return _done(context, lambda tx: order_acts.resend(tx, context.caller, id, context.clock))


def _done(context: Context, work: Callable[[Transaction], Order | Refused]) -> Order:
    done = context.write(work)
    if isinstance(done, Refused):
        raise WriterRefusedError(done.refusal, done.where)
    met_orders(context, [done])
    return done


def _wishes(fills: Sequence[FillInput]) -> list[Wish]:
    return [
        Wish(f"fills[{index}]", one.prescription_id or None, one.treatment_id or None)
        for index, one in enumerate(fills)
    ]


# What the published clients do not know.
RESOLVERS: Final[dict[str, dict[str, Resolver]]] = {"Mutation": {"rerouteOrder": reroute, "resendOrder": resend}}
