"""POST /pharmacy-network/reports: what the pharmacy network says of orders. The signature is its only proof."""

from typing import Final

import structlog

from rxauth.domain import audit, dispatch_answers
from rxauth.domain.errors import AbsentError, InvalidError
from rxauth.domain.fulfillment import Report
from rxauth.edge.context import Edge
from rxauth.edge.errors import token_endpoint_answer
from rxauth.edge.pharmacy_network import UnprovenReportError
from rxauth.edge.requests import Request, require_json
from rxauth.edge.responses import Answer, json_answer

PATH: Final = "/pharmacy-network/reports"
_CHALLENGE: Final = (b"www-authenticate", b'HMAC-SHA256 realm="rxauth"')
_log = structlog.get_logger("rxauth.dispatches")


async def hear(edge: Edge, request: Request) -> Answer:
    """Applies a report; the same may come twice."""
    if edge.pharmacy_network is None:
        return json_answer(404, {"error": "not_found", "error_description": "There is nothing here."})
    require_json(request)
    body = await request.body()
    try:
        said = edge.pharmacy_network.hear(request.header, body, edge.server.clock.seconds())
    except UnprovenReportError as error:
        edge.refusals.note(
            audit.Act(
                audit.Event.REQUEST_REFUSED,
                audit.ANONYMOUS,
                reason=error.code,
                network=request.network,
                request_id=request.request_id,
            )
        )
        raise
    try:
        is_new = await edge.in_thread(_apply, edge, said)
    except AbsentError as error:
        return _refused(404, "unknown_dispatch", error)
    except InvalidError as error:
        return _refused(409, "not_allowed", error)
    _log.info("report_applied", dispatch=said.dispatch_id, report=type(said).__name__, is_new=is_new)
    return json_answer(200, {"applied": is_new})


def answer(error: Exception, request_id: str) -> Answer:
    """Answers a report that could not be read, or is not proven."""
    told = token_endpoint_answer(error, request_id)
    if isinstance(error, UnprovenReportError):
        told.headers.append(_CHALLENGE)
    return told


def _apply(edge: Edge, said: Report) -> bool:
    now_ms = edge.server.clock.milliseconds()
    return edge.server.database.write(lambda tx: dispatch_answers.hear(tx, said, now_ms))


def _refused(status: int, code: str, error: Exception) -> Answer:
    return json_answer(status, {"error": code, "error_description": str(error)})
