"""The page that changes how an organization looks where its people sign in, with a picture of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from rxauth.domain import accents
from rxauth.edge.settings.fields import FieldError, Fields
from rxauth.edge.settings.organization import MANAGE, PATH, SETTINGS, settings_version
from rxauth.edge.settings.sections import Act, Data, Section, Variables

_QUERY: Final = f"query Branding {{ organization {{ name }} {SETTINGS} }}"
_UPDATE: Final = """
mutation UpdateBranding($input: OrganizationSettingsInput!) {
  updateOrganizationSettings(input: $input) { version }
}
"""


@dataclass(frozen=True, slots=True)
class Look:
    """How pages look in one scheme. accent: the colour that they take; contrast: of the organization's own, or None."""

    name: str
    paper: str
    card: str
    ink: str
    edge: str
    accent: str
    on_accent: str
    contrast: str | None
    is_own: bool


def looks(color: str | None) -> list[Look]:
    """Returns how pages look with a colour, light and dark; None: as everywhere."""
    usual = (
        ("Light", accents.LIGHT, ("#f6f7f7", "#ffffff", "#17201f", "#7a8784", "#14614f", "#ffffff")),
        ("Dark", accents.DARK, ("#101615", "#182120", "#e8eeec", "#7b8a87", "#7ad3b9", "#06231c")),
    )
    found = []
    for name, scheme, (paper, card, ink, edge, accent, on_accent) in usual:
        is_own = color is not None and accents.can_be_read(color, scheme)
        contrast = None if color is None else f"{accents.least_contrast(color, scheme):.1f}"
        own = color if is_own and color is not None else accent
        found.append(Look(name, paper, card, ink, edge, own, on_accent, contrast, is_own))
    return found


def _values(data: Data, _fields: Fields) -> Mapping[str, Any]:
    return {"looks": looks(data["organizationSettings"]["accentColor"])}


def _accent(fields: Fields) -> Variables:
    return {"input": {"accentColor": fields.optional("accent_color")}}


def _logo(fields: Fields) -> Variables:
    if not fields.text("logo"):
        raise FieldError("logo", "Choose a picture first.")
    return {"input": {"logo": fields.text("logo")}}


def _no_logo(_fields: Fields) -> Variables:
    return {"input": {"logo": None}}


def _act(variables: Any, notice: str) -> Act:
    return Act(_UPDATE, variables, notice=notice, rests_on=settings_version)


SECTIONS: Final = (
    Section(
        path=f"{PATH}/branding",
        tab="organization",
        template="settings_organization_branding.html",
        query=_QUERY,
        opens=(MANAGE,),
        required="organizationSettings",
        values=_values,
        acts={
            "accent": _act(_accent, "The colour was changed."),
            "logo": _act(_logo, "The logo was changed."),
            "logo_remove": _act(_no_logo, "The logo was removed."),
        },
    ),
)
