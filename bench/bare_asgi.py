"""The least that answers: an ASGI app that reads a request and sends a made answer, on uvicorn.

`python -m bench.bare_asgi PORT`: what HTTP itself takes, whatever is answered.
"""

import sys
from typing import Final

import uvicorn
from starlette.types import Receive, Scope, Send

_BODY: Final = b'{"access_token":"' + b"x" * 900 + b'","token_type":"Bearer","expires_in":86400}'
_HEADERS: Final = [
    (b"content-type", b"application/json"),
    (b"content-length", str(len(_BODY)).encode()),
    (b"cache-control", b"no-store"),
]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers."""
    if scope["type"] == "http":
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        await send({"type": "http.response.body", "body": _BODY})


if __name__ == "__main__":
    uvicorn.run(
        app, port=int(sys.argv[1]), loop="uvloop", http="httptools", lifespan="off", access_log=False, log_config=None
    )
