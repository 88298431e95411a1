"""An OpenID provider for those who measure: a process that says how long it thought."""

import json
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from rxauth.crypto.jws import Signer, new_signing_key


class OpenIdProvider:
    """An OpenID provider that vouches for whoever the code names, with the nonce that follows."""

    def __init__(self, port: int) -> None:
        self._key = new_signing_key("RS256")
        self._signer = Signer(self._key, "JWT")
        self._issuer = f"http://127.0.0.1:{port}"
        self._thought_s = 0.0
        provider = self

        class Handler(BaseHTTPRequestHandler):
            """Answers, and notes how long that took."""

            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                """Says what there is to say; /thought is for whoever measures."""
                began = time.perf_counter()
                if self.path == "/thought":
                    self._send({"s": provider._thought_s})
                    return
                self._send(provider.published(self.path))
                provider._thought_s += time.perf_counter() - began

            def do_POST(self) -> None:
                """Gives an ID token."""
                began = time.perf_counter()
                form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
                self._send(provider.tokens(form["code"][0]))
                provider._thought_s += time.perf_counter() - began

            def _send(self, content: Mapping[str, Any]) -> None:
                body = json.dumps(content).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()

    def published(self, path: str) -> Mapping[str, Any]:
        """Returns the metadata, or the keys."""
        if path == "/keys":
            return {"keys": [self._key.verification_key().as_jwk()]}
        endpoints = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        return {"issuer": self._issuer, **{name: f"{self._issuer}/{last}" for name, last in endpoints.items()}}

    def tokens(self, code: str) -> Mapping[str, Any]:
        """Returns the tokens of a code."""
        person, nonce = code.split(".")
        now = int(time.time())
        claims = {"iss": self._issuer, "sub": person, "aud": "bench", "iat": now, "exp": now + 300, "nonce": nonce}
        claims |= {"email": f"{person}@bench.example", "email_verified": True, "groups": ["nurses"]}
        payload = json.dumps(claims).encode()
        return {"id_token": self._signer.sign(payload), "access_token": "a", "token_type": "Bearer"}
