"""An application that lives for the length of a block, and serves nobody: what it does beside requests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import ASGIApp, Message


@asynccontextmanager
async def living(app: ASGIApp) -> AsyncIterator[None]:
    """Starts an application as a server does, and ends it after the block."""
    told: asyncio.Queue[Message] = asyncio.Queue()
    said: asyncio.Queue[Message] = asyncio.Queue()

    async def live() -> None:
        await app({"type": "lifespan"}, told.get, said.put)

    async def tell(what: str) -> None:
        await told.put({"type": f"lifespan.{what}"})
        answer = await said.get()
        assert answer["type"] == f"lifespan.{what}.complete", answer

    task = asyncio.create_task(live())
    await tell("startup")
    yield
    await tell("shutdown")
    await task
