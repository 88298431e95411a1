"""A provider that says whatever an attacker wants, in answers that nothing but the checks would refuse."""

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from rxauth.crypto.jws import Signer, SigningKey, encode_base64url, new_signing_key

Change = Callable[[dict[str, Any]], dict[str, Any]]


class Forger:
    """A provider at a port of its own. asked: the forms that its token endpoint got.

    metadata, claims: what is changed of a good answer; None leaves a member out. header: of the ID token. key: what it
    signs with; published: the keys in its key set. after_s: how long it thinks, if it is asked for a token.
    """

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.key: SigningKey = new_signing_key("ES256")
        self.reset()
        forger = self

        class Handler(BaseHTTPRequestHandler):
            """Answers one request."""

            def do_GET(self) -> None:
                """Describes the provider, and names its keys."""
                forger.gets.append(self.path)
                if self.path == "/.well-known/openid-configuration":
                    self._answer(200, forger.described())
                elif self.path == "/keys":
                    self._answer(200, {"keys": [one.verification_key().as_jwk() for one in forger.published]})
                else:
                    self._answer(200, forger.userinfo)

            def do_POST(self) -> None:
                """Gives tokens for any code."""
                form = self.rfile.read(int(self.headers["content-length"])).decode()
                forger.asked.append(dict(parse_qsl(form)))
                forger.headers.append({name.lower(): value for name, value in self.headers.items()})
                forger.go_on.wait(forger.after_s)
                self._answer(forger.status, forger.tokens())

            def _answer(self, status: int, content: Any) -> None:
                body = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def reset(self) -> None:
        """Has it answer well again."""
        self.gets: list[str] = []
        self.asked.clear()
        self.headers.clear()
        self.published = [self.key]
        self.signing = self.key
        self.metadata: dict[str, Any] = {}
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] | None = None
        self.answers: dict[str, Any] = {}
        self.userinfo: dict[str, Any] = {}
        self.status = 200
        self.after_s = 0.0
        self.go_on = threading.Event()
        self.nonce = ""

    def described(self) -> dict[str, Any]:
        """Returns what the provider says of itself."""
        good = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
        }
        return _changed(good, self.metadata)

    def tokens(self) -> dict[str, Any]:
        """Returns the answer of the token endpoint."""
        good = {"access_token": "an access token", "token_type": "Bearer", "id_token": self._id_token()}
        return _changed(good, self.answers)

    def answer(self, url: str, **changes: str | None) -> str:
        """Returns where a browser that was sent here is sent back to; the provider remembers the nonce."""
        asked = dict(parse_qsl(urlsplit(url).query))
        self.nonce = asked["nonce"]
        said = _changed({"code": "a-code", "state": asked["state"]}, changes)
        return f"{asked['redirect_uri']}?" + "&".join(f"{name}={value}" for name, value in said.items())

    def stop(self) -> None:
        """Ends it."""
        self.go_on.set()
        self._server.shutdown()
        self._server.server_close()

    def _id_token(self) -> str:
        now = int(time.time())
        good = {
            "iss": self.issuer,
            "sub": "mallory",
            "aud": "rxauth",
            "iat": now,
            "exp": now + 300,
            "nonce": self.nonce,
            "email": "mallory@alder.example",
            "email_verified": True,
            "groups": [],
        }
        payload = json.dumps(_changed(good, self.claims)).encode()
        if self.header is None:
            return Signer(self.signing, "JWT").sign(payload)
        head = encode_base64url(json.dumps(self.header).encode())
        return f"{head}.{encode_base64url(payload)}.{encode_base64url(b'no signature')}"


def _changed(good: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (good | changes).items() if value is not None}
