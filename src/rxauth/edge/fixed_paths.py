"""From a path to its route: most have a fixed one, which is found at once; the others are tried one after the other."""

from collections.abc import Awaitable, Sequence

from starlette.routing import Route, Router
from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send


def by_path(routes: Sequence[Route], default: ASGIApp, lifespan: Lifespan[Router]) -> ASGIApp:
    """Returns what hands each request to the route of its path; default: what answers where there is none."""
    router = Router(routes, default=default, lifespan=lifespan, redirect_slashes=False)
    fixed = {route.path: route.app for route in routes if "{" not in route.path}

    def answer(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        found = fixed.get(scope["path"]) if scope["type"] == "http" else None
        return (found or router)(scope, receive, send)

    return answer
