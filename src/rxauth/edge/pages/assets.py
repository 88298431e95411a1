"""The files that pages use: named after their content, so that a browser may keep them for good."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rxauth.edge.context import Edge
from rxauth.edge.requests import Request
from rxauth.edge.responses import Answer, json_answer

STATIC_PATH: Final = "/static/{name}"
_FOLDER: Final = Path(__file__).parent / "static"
_TYPES: Final = {".css": b"text/css; charset=utf-8", ".js": b"text/javascript; charset=utf-8", ".svg": b"image/svg+xml"}
KEEP: Final = (b"cache-control", b"public, max-age=31536000, immutable")


@dataclass(frozen=True, slots=True)
class _Asset:
    url: str
    body: bytes
    content_type: bytes


def _read(path: Path) -> _Asset:
    body = path.read_bytes()
    fingerprint = hashlib.sha256(body).hexdigest()[:12]
    return _Asset(f"/static/{path.stem}.{fingerprint}{path.suffix}", body, _TYPES[path.suffix])


_ASSETS: Final = {path.name: _read(path) for path in sorted(_FOLDER.iterdir())}
_BY_NAME: Final = {asset.url.rpartition("/")[2]: asset for asset in _ASSETS.values()}


def url_of(name: str) -> str:
    """Returns the URL of a file, by its name in the folder."""
    return _ASSETS[name].url


async def static(_edge: Edge, request: Request) -> Answer:
    """Answers with a file."""
    return file(request.part("name"))


def file(name: str) -> Answer:
    """Returns the file that has this name in its URL."""
    asset = _BY_NAME.get(name)
    if asset is None:
        return json_answer(404, {"error": "not_found", "error_description": "There is nothing here."})
    headers = [
        (b"content-type", asset.content_type),
        (b"x-content-type-options", b"nosniff"),
        (b"cross-origin-resource-policy", b"same-origin"),
        KEEP,
    ]
    return Answer(200, asset.body, headers)
