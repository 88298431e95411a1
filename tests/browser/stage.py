"""A stage: answers served as they are over real HTTP, so that Chromium sees pages and headers as it will see them."""

import socket
import threading
import time
from collections.abc import Mapping
from typing import Final

from starlette.responses import HTMLResponse, Response
from starlette.routing import Router
from starlette.types import Receive, Scope, Send

from rxauth.domain import pictures
from rxauth.edge import branding, protocol
from rxauth.edge.pages import assets
from rxauth.edge.responses import Answer
from tests.pictures import PNG

SENT: Final = "Sent:"


class Stage:
    """Serves one answer a path, the files of the pages, and for every POST what came in it.

    It has two origins, which are strangers to each other: `origin`, and `other`.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Answer | Response] = {}
        self._socket = socket.create_server(("127.0.0.1", 0))
        port = self._socket.getsockname()[1]
        self.origin = f"http://localhost:{port}"
        self.other = f"http://127.0.0.1:{port}"
        self._uvicorn = protocol.make_server(Router(default=self._answer))
        self._thread = threading.Thread(target=self._uvicorn.run, kwargs={"sockets": [self._socket]})
        self._thread.start()
        while not self._uvicorn.started:
            time.sleep(0.001)

    def put(self, path: str, answer: Answer | str, headers: Mapping[str, str] | None = None) -> None:
        """Puts an answer, or the HTML of a page, on a path."""
        self.answers[path] = HTMLResponse(answer, headers=dict(headers or {})) if isinstance(answer, str) else answer

    def stop(self) -> None:
        """Stops serving."""
        self._uvicorn.should_exit = True
        self._thread.join()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        answer: Answer | Response = self.answers.get(path, Response(status_code=404))
        if path.startswith("/static/"):
            answer = assets.file(path.removeprefix("/static/"))
        if path.startswith("/branding/"):
            name = path.rpartition("/")[2]
            logo = Response(pictures.read(PNG, "logo").content, media_type="image/png")
            answer = branding.stylesheet(name) if name.endswith(".css") else logo
        if scope["method"] == "POST":
            body = b""
            more = True
            while more:
                message = await receive()
                body += message.get("body", b"")
                more = message.get("more_body", False)
            answer = self.answers.get(f"POST {path}", HTMLResponse(f"<p>{SENT} {body.decode()}</p>"))
        await answer(scope, receive, send)
