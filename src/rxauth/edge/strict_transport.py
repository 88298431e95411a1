"""Where the server is known by https: browsers are told never to ask it without (RFC 6797)."""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# A year. Not for names below the host: they may be others' (RFC 6797 §6.1.2).
_ONLY_HTTPS: Final = (b"strict-transport-security", b"max-age=31536000")


def over_https_only(app: ASGIApp) -> ASGIApp:
    """Has every answer tell browsers never to ask without TLS again (RFC 6797 §7.1)."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_it(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], _ONLY_HTTPS]
            await send(message)

        await app(scope, receive, send_with_it)

    return answer
