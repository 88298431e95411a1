"""How an organization looks on the pages of a sign-in: its name and logo first, and its colour where it can be read."""

from collections.abc import Mapping
from typing import Any, Final

from rxauth.domain import accents, logos
from rxauth.domain.errors import InvalidError
from rxauth.domain.organizations import Organization
from rxauth.edge.context import Edge
from rxauth.edge.pages.assets import KEEP
from rxauth.edge.requests import Request
from rxauth.edge.responses import Answer, json_answer

ACCENT: Final = f"{logos.PATH}/{{name}}"
LOGO: Final = f"{logos.PATH}/{{organization_id}}/{{name}}"
_SHEET: Final = ".css"


def shown(organization: Organization | None) -> Mapping[str, Any] | None:
    """Returns what a page shows of an organization: its name, and where its logo and colour are, or None of each."""
    if organization is None:
        return None
    color, logo = organization.accent_color, organization.logo
    return {
        "name": organization.name,
        "logo_url": None if logo is None else logos.path_of(organization.id, logo),
        "accent_url": accent_url(color),
    }


def accent_url(color: str | None) -> str | None:
    """Returns where the stylesheet of a colour is; None: pages do not take it."""
    is_taken = color is not None and accents.stylesheet(color)
    return f"{logos.PATH}/{str(color).removeprefix('#')}{_SHEET}" if is_taken else None


async def accent(_edge: Edge, request: Request) -> Answer:
    """Answers with the stylesheet of a colour, whoever's it is."""
    return stylesheet(request.part("name"))


def stylesheet(name: str) -> Answer:
    """Returns the stylesheet of this name, such as 14614f.css."""
    try:
        sheet = accents.stylesheet(accents.read(f"#{name.removesuffix(_SHEET)}")) if name.endswith(_SHEET) else ""
    except InvalidError:
        sheet = ""
    return _kept(b"text/css; charset=utf-8", sheet.encode()) if sheet else _absent()


async def logo(edge: Edge, request: Request) -> Answer:
    """Answers with the logo of an organization."""
    organization_id, name = request.part("organization_id"), request.part("name")
    found = await edge.in_thread(edge.server.database.read, lambda tx: logos.find(tx, organization_id, name))
    return _absent() if found is None else _kept(found.media_type.encode(), found.content)


def _kept(content_type: bytes, body: bytes) -> Answer:
    headers = [
        (b"content-type", content_type),
        (b"x-content-type-options", b"nosniff"),
        (b"content-security-policy", b"default-src 'none'; sandbox"),
        (b"cross-origin-resource-policy", b"same-origin"),
        KEEP,
    ]
    return Answer(200, body, headers)


def _absent() -> Answer:
    return json_answer(404, {"error": "not_found", "error_description": "There is nothing here."})
