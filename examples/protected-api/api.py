"""A clinic's own API of visits. Who calls it, and for which organization, it knows from rxauth's tokens."""

import json
import os
from collections import defaultdict
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel

from rxauth_client import Caller, TokenVerifier
from rxauth_client.introspection import Introspection
from rxauth_client.starlette import Protection


def kept(name: str) -> str:
    """Returns what the sandbox in this folder keeps to be opened with."""
    return str(json.loads(Path(".rxauth/credentials.json").read_text())[name])


def secret() -> str:
    """Reads the client secret, at each use: after a rotation nothing is restarted."""
    file = os.environ.get("RXAUTH_CLIENT_SECRET_FILE")
    return Path(file).read_text().strip() if file else kept("client_secret")


here = Path(__file__).parent
domain, audience = os.environ.get("RXAUTH_DOMAIN") or kept("url"), os.environ["AUDIENCE"]
asks = Introspection(
    os.environ.get("RXAUTH_CLIENT_ID") or kept("client_id"), secret, keep_s=float(os.environ.get("KEEP_S", "5"))
)
tokens = Protection(TokenVerifier(domain, audience, introspection=asks))
Reader = Annotated[Caller, Depends(tokens.require("read:patient"))]
Writer = Annotated[Caller, Depends(tokens.require("write:patient"))]


class Visit(BaseModel):
    """When a patient comes, and what for."""

    patient_id: str
    day: str
    reason: str


app = FastAPI(title="Visits")
visits: dict[str | None, list[Visit]] = defaultdict(list)  # by organization: nobody sees another one's


@app.get("/visits")
async def read(caller: Reader) -> list[Visit]:
    """Lists the visits of the caller's organization."""
    return visits[caller.organization_id]


@app.post("/visits", status_code=201)
async def add(caller: Writer, visit: Visit) -> Visit:
    """Adds a visit."""
    visits[caller.organization_id].append(visit)
    return visit


@app.get("/client.json")
async def client() -> dict[str, str]:
    """Says with which client the page signs people in."""
    return {"domain": domain, "clientId": os.environ["PAGE_CLIENT_ID"], "audience": audience}


app.mount("/sdk", StaticFiles(directory=here / "../../sdk/dist"))
app.mount("/", StaticFiles(directory=here / "page", html=True))
