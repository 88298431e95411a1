"""One operation of the API, run for a token or for a page: what it touched and what was refused is recorded alike."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from rxauth.api.execute import Expected
from rxauth.api.management.callers import actor
from rxauth.api.outcomes import Failure, Outcome
from rxauth.domain import audit, signing
from rxauth.domain.access_records import Access
from rxauth.edge.context import Edge
from rxauth.edge.errors import log_unavailable, log_unexpected
from rxauth.edge.requests import Request
from rxauth.policy import authority, prescribing
from rxauth.policy.subjects import Caller
from rxauth.storage.database import Origin

# Fields that act, and nothing that only reads, ask for just one of these permissions.
_RECORDED: Final[Mapping[tuple[str, ...], audit.Event]] = {
    (prescribing.PERMISSION,): audit.Event.PRESCRIPTION_REFUSED,
    **{(permission,): audit.Event.PROVIDER_REFUSED for permission in authority.PERMISSIONS.values()},
}


def run(
    edge: Edge,
    request: Request,
    caller: Caller,
    body: bytes,
    idempotency_keys: Sequence[str],
    *,
    expected: Expected | None = None,
) -> Outcome:
    """Runs an operation and has the access log told of what it touched; blocks its thread."""
    origin = Origin(request.network, request.request_id)
    work = partial(edge.api.run, caller, body, idempotency_keys, expected=expected, origin=origin)
    outcome = work() if edge.traces is None else edge.traces.operation(work)
    _note_access(edge, request, caller, outcome)
    return outcome


async def note(edge: Edge, request: Request, caller: Caller, outcome: Outcome) -> None:
    """Records what was forbidden, has clients hear of sessions that ended, and logs what nobody expected."""
    edge.metrics.operations.add(outcome.kind, _came_of(outcome))
    await _note_forbidden(edge, request, caller, outcome)
    for ended in outcome.ended:
        await edge.tell_clients(ended.user_id, [ended.session_id])
    if outcome.failure is Failure.UNAVAILABLE:
        log_unavailable(request.request_id)
    for unexpected in outcome.unexpected:
        log_unexpected(unexpected, request.request_id)


def _came_of(outcome: Outcome) -> str:
    if outcome.unexpected:
        return "unexpected_error"
    return "done" if outcome.failure is None else outcome.failure.name.lower()


def _note_access(edge: Edge, request: Request, caller: Caller, outcome: Outcome) -> None:
    """Has the access log told of what was touched; who has no organization touched nothing."""
    touched, organization_id = outcome.touched, caller.subject.organization_id
    if touched is None or organization_id is None:
        return
    one = actor(caller)
    edge.access_log.note(
        Access(
            edge.server.clock.milliseconds(),
            organization_id,
            one.kind,
            one.id or "",
            caller.client_id,
            caller.token_id,
            touched.operation.name,
            touched.operation.fields,
            touched.outcome,
            touched.codes,
            request.network,
            request.request_id,
            touched.patient_ids,
        )
    )


async def _note_forbidden(edge: Edge, request: Request, caller: Caller, outcome: Outcome) -> None:
    """Counts what was forbidden; what `_RECORDED` names is a record of its own, kept before the answer leaves."""
    rows = []
    for refused in outcome.forbidden:
        event = refused.event or _RECORDED.get(refused.permissions)
        if event is not None:
            act = signing.act(caller, event, reason=refused.reason)
            act = replace(act, network=request.network, request_id=request.request_id)
            rows.append(audit.row(act, edge.server.clock.microseconds()))
        else:
            edge.refusals.note(
                audit.Act(
                    audit.Event.REQUEST_REFUSED,
                    audit.Actor("client", caller.client_id),
                    organization_id=caller.subject.organization_id,
                    reason=f"needs {refused.permissions[0]}",
                    network=request.network,
                    request_id=request.request_id,
                )
            )
    await asyncio.gather(*(edge.audit.commit(row) for row in rows))
