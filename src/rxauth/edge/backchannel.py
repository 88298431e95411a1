"""Back-channel logout: tells clients that a session ended, and keeps nobody waiting (its standard's §2.5)."""

import asyncio
from typing import Final

import structlog

from rxauth.edge.outbound import ForbiddenAddressError, Outbound
from rxauth.oauth.logout_tokens import Notice

PAUSES_S: Final = (0.5, 5.0, 30.0)
WAITING_LIMIT: Final = 1_000
_log = structlog.get_logger("rxauth.backchannel")


class LogoutNotices:
    """Sends logout tokens in the background, each a few times until the client takes it."""

    def __init__(self, outbound: Outbound, pauses_s: tuple[float, ...] = PAUSES_S) -> None:
        self._outbound = outbound
        self._pauses_s = pauses_s
        self._sending: set[asyncio.Task[None]] = set()

    def send(self, notice: Notice) -> None:
        """Begins to send a logout token."""
        if len(self._sending) >= WAITING_LIMIT:
            _log.warning("logout_notice_dropped", client_id=notice.client_id)
            return
        task = asyncio.get_running_loop().create_task(self._send(notice))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def close(self) -> None:
        """Gives up what is still being sent."""
        for task in list(self._sending):
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        await self._outbound.close()

    async def _send(self, notice: Notice) -> None:
        for pause_s in (*self._pauses_s, None):
            try:
                status = await self._outbound.post_form(notice.url, {"logout_token": notice.token})
            except OSError as error:
                outcome = type(error).__name__
            except ForbiddenAddressError:
                _log.warning("logout_notice_refused", client_id=notice.client_id, reason="forbidden address")
                return
            else:
                if status < 300 or status == 400:  # the client understood, and did what it could (§2.8)
                    return
                outcome = str(status)
            if pause_s is None:
                _log.warning("logout_notice_failed", client_id=notice.client_id, reason=outcome)
                return
            await asyncio.sleep(pause_s)
