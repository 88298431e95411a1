"""rxauth's tokens in a FastAPI or Starlette API.

```python
tokens = Protection(TokenVerifier(domain, audience, introspection=None))

@app.get("/visits")
async def visits(caller: Annotated[Caller, Depends(tokens.require("read:patient"))]) -> list[Visit]: ...
```
"""

from collections.abc import Awaitable, Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request

from rxauth_client.answers import refusal
from rxauth_client.errors import RxauthError
from rxauth_client.verification import Caller, TokenVerifier


class Protection:
    """Dependencies that let nobody through without a token and a permission."""

    def __init__(self, verifier: TokenVerifier) -> None:
        self._verifier = verifier

    def require(self, *any_of: str) -> Callable[[Request], Awaitable[Caller]]:
        """Returns a dependency that demands one of these permissions; none: any token that holds.

        In Starlette without FastAPI, await it in the endpoint: `caller = await require_read(request)`. A refusal is an
        HTTPException with the status, the challenge and a body that says what is wrong.
        """

        async def dependency(request: Request) -> Caller:
            authorization = request.headers.get("authorization")
            try:
                caller = await self._verifier.verify_async(authorization)
                if any_of:
                    caller.require(*any_of)
            except RxauthError as error:
                answer = refusal(error, was_sent=authorization is not None)
                raise HTTPException(answer.status, answer.body["error_description"], answer.headers) from None
            return caller

        return dependency
