"""The settings' catalog page: what the organization prescribes often."""

from collections.abc import Mapping
from itertools import islice
from typing import Any, Final
from urllib.parse import urlencode

from rxauth.edge.addresses import SETTINGS_PATH
from rxauth.edge.settings.fields import Fields
from rxauth.edge.settings.sections import Act, Data, Section, Variables

PATH: Final = f"{SETTINGS_PATH}/catalog"
SHOWN: Final = 100
KEEPERS: Final = ("write:order", "manage:organization")
TREATMENT: Final = """
fragment Treatment on Treatment {
  id name
  ... on Medication { type schedule strength form }
}
"""
_QUERY: Final = f"""
query Catalog($name: String!, $isSearch: Boolean!) {{
  catalog {{ id treatments {{ ...Treatment }} }}
  medications(filter: {{drug: {{name: $name}}}}, first: 25) @include(if: $isSearch) {{ ...Treatment }}
  medicalEquipment(name: $name, first: 10) @include(if: $isSearch) {{ ...Treatment }}
}}
{TREATMENT}"""
_ADD: Final = """
mutation Add($catalogId: ID!, $treatmentId: ID!) {
  addToCatalog(catalogId: $catalogId, treatmentId: $treatmentId) { id }
}
"""
_REMOVE: Final = """
mutation Remove($catalogId: ID!, $treatmentId: ID!) {
  removeFromCatalog(catalogId: $catalogId, treatmentId: $treatmentId) { id }
}
"""


def _searched(fields: Fields) -> Variables:
    name = fields.text("name")
    return {"name": name, "isSearch": bool(name)}


def _place(fields: Fields) -> Variables:
    return {"catalogId": fields.text("catalog"), "treatmentId": fields.text("treatment")}


def shown(data: Data, fields: Fields) -> Mapping[str, Any]:
    """Returns what the page shows beside its data: a part of the catalog, and what of the search is in it already."""
    whole = (data.get("catalog") or {}).get("treatments") or []
    ids = [one["id"] for one in whole]
    after = fields.text("after")
    start = ids.index(after) + 1 if after in ids else 0
    return {
        "treatments": list(islice(whole, start, start + SHOWN)),
        "number": len(whole),
        "onward": ids[start + SHOWN - 1] if len(ids) > start + SHOWN else None,
        "held": ids,
        "found": [*data.get("medications", ()), *data.get("medicalEquipment", ())],
        "looked_for": fields.optional("name"),
    }


def _back(_data: Data, fields: Fields) -> str:
    name = fields.text("name")
    return f"{PATH}?{urlencode({'name': name})}" if name else PATH


SECTIONS: Final = (
    Section(
        path=PATH,
        tab="catalog",
        template="settings_catalog.html",
        query=_QUERY,
        variables=_searched,
        values=shown,
        required="catalog",
        acts={
            "catalog-add": Act(_ADD, _place, notice="It is in the catalog.", leads_to=_back),
            "catalog-remove": Act(_REMOVE, _place, notice="It is no longer in the catalog. Templates for it stay."),
        },
    ),
)
