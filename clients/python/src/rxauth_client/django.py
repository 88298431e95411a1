"""rxauth's tokens in a Django API.

```python
tokens = Protection(TokenVerifier(domain, audience, introspection=None))

@tokens.require("read:patient")
def visits(request: HttpRequest, caller: Caller) -> HttpResponse: ...
```
"""

from collections.abc import Awaitable, Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from rxauth_client.answers import refusal
from rxauth_client.errors import RxauthError
from rxauth_client.verification import Caller, TokenVerifier

View = Callable[..., HttpResponseBase] | Callable[..., Awaitable[HttpResponseBase]]


class Protection:
    """Decorators that let nobody through to a view without a token and a permission."""

    def __init__(self, verifier: TokenVerifier) -> None:
        self._verifier = verifier

    def require(self, *any_of: str) -> Callable[[View], View]:
        """Returns a decorator that demands one of these permissions; none: any token that holds.

        The view gets the caller as its second argument. It takes no CSRF token: no cookie lets anybody in.
        """

        def decorate(view: View) -> View:
            @wraps(view)
            def plain(request: HttpRequest, *arguments: Any, **named: Any) -> Any:
                try:
                    caller = self._permitted(self._verifier.verify(_sent(request)), any_of)
                except RxauthError as error:
                    return _refused(error, request)
                return view(request, caller, *arguments, **named)

            @wraps(view)
            async def waiting(request: HttpRequest, *arguments: Any, **named: Any) -> Any:
                try:
                    caller = self._permitted(await self._verifier.verify_async(_sent(request)), any_of)
                except RxauthError as error:
                    return _refused(error, request)
                return await view(request, caller, *arguments, **named)

            decorated: View = csrf_exempt(waiting if iscoroutinefunction(view) else plain)
            return decorated

        return decorate

    @staticmethod
    def _permitted(caller: Caller, any_of: tuple[str, ...]) -> Caller:
        if any_of:
            caller.require(*any_of)
        return caller


def _sent(request: HttpRequest) -> str | None:
    sent: str | None = request.headers.get("Authorization")
    return sent


def _refused(error: RxauthError, request: HttpRequest) -> JsonResponse:
    answer = refusal(error, was_sent=_sent(request) is not None)
    return JsonResponse(answer.body, status=answer.status, headers=answer.headers)
