"""GET /readyz: whether a proxy may send this process requests. GET /healthz: whether it lives at all."""

from typing import Final

import structlog

from rxauth.domain import readiness
from rxauth.edge.context import Edge
from rxauth.edge.errors import RETRY_AFTER
from rxauth.edge.requests import Request
from rxauth.edge.responses import Answer, json_answer
from rxauth.storage.database import DatabaseUnavailableError

PATH: Final = "/readyz"
LIVE_PATH: Final = "/healthz"
_log = structlog.get_logger("rxauth.readiness")


async def live(_edge: Edge, _request: Request) -> Answer:
    """Answers 200: the event loop runs. Asks nobody, so that what restarts processes leaves them while others fail."""
    return json_answer(200, {"status": "alive"})


async def show(edge: Edge, _request: Request) -> Answer:
    """Answers 200, or 503 with the names of what keeps this process from deciding rightly."""
    server = edge.server
    problems = [] if server.feed.is_fresh() else ["change_feed"]
    try:
        is_right = await edge.in_thread(
            server.database.read, lambda tx: readiness.is_clock_right(tx, server.clock.seconds())
        )
        problems += [] if is_right else ["clock"]
    except DatabaseUnavailableError:
        problems.append("database")
    if not server.keys.are_local and not await edge.in_signing_thread(server.keys.can_sign):
        problems.append("signer")
    if not problems:
        return json_answer(200, {"status": "ready"})
    _log.error("not_ready", problems=problems)
    return json_answer(503, {"status": "not_ready", "problems": problems}, RETRY_AFTER)
