"""Samples of the catalog and of the templates pages."""

from typing import Any, Final

from rxauth.edge.settings import catalog
from rxauth.edge.settings.fields import Fields, of
from tests.edge.page_sample import Sample, Values, settings

AMOXICILLIN: Final[Values] = {
    "id": "med_01J9ZK3V6T8Q",
    "name": "amoxicillin 500 MG Oral Capsule",
    "type": "RX",
    "schedule": None,
    "strength": "500 MG",
    "form": "Capsule",
}
OXYCODONE: Final[Values] = AMOXICILLIN | {
    "id": "med_01J9ZK3V6T8R",
    "name": "oxycodone hydrochloride 5 MG Oral Tablet",
    "schedule": "II",
}
IBUPROFEN: Final[Values] = AMOXICILLIN | {
    "id": "med_01J9ZK3V6T8S",
    "name": "ibuprofen 200 MG Oral Tablet",
    "type": "OTC",
}
STRIPS: Final[Values] = {"id": "dme_01J9ZK3V6T8T", "name": "Blood glucose test strips"}
CATALOG: Final[Values] = {"id": "cat_1", "treatments": [AMOXICILLIN, IBUPROFEN, STRIPS]}
SEARCH: Final = of([("name", "o")])
TEMPLATE: Final[Values] = {
    "id": "tmp_01J9ZK3V6T8Q",
    "name": "Strep throat, adults",
    "isPrivate": False,
    "dispenseAsWritten": True,
    "dispenseQuantity": 20.0,
    "dispenseUnit": "Capsule",
    "fillsAllowed": 1,
    "daysSupply": 10,
    "instructions": "Take one capsule\ntwice a day.",
    "notes": "With food.",
    "treatment": AMOXICILLIN,
}
BARE: Final[Values] = TEMPLATE | {
    "id": "tmp_01J9ZK3V6T8R",
    "name": None,
    "isPrivate": True,
    "dispenseQuantity": None,
    "dispenseUnit": None,
    "instructions": None,
    "fillsAllowed": None,
}
UNITS: Final = [{"name": "Capsule"}, {"name": "Each"}, {"name": "Tablet"}]


def nobody(_permission: str) -> bool:
    """Tells that nothing is permitted."""
    return False


def listed(name: str, data: Values, sent: Fields | None = None, **changes: Any) -> Sample:
    """Returns a sample of the catalog."""
    values = catalog.shown(data, sent or of([]))
    return settings(name, "catalog", "catalog", data, **values, **changes)


def of_templates(name: str, template: str, data: Values, **changes: Any) -> Sample:
    """Returns a sample of a page of templates."""
    return settings(name, template, "templates", data, **changes)


_FOUND: Final[Values] = {
    "catalog": CATALOG,
    "medications": [AMOXICILLIN, OXYCODONE],
    "medicalEquipment": [STRIPS],
}
_EMPTY: Final[Values] = {"catalog": {"id": "cat_1", "treatments": []}}
_ONE: Final[Values] = {"catalog": {"id": "cat_1"}, "prescriptionTemplate": TEMPLATE, "dispenseUnits": UNITS}
_NEW: Final[Values] = {"catalog": {"id": "cat_1"}, "treatment": AMOXICILLIN, "dispenseUnits": UNITS}
SAMPLES: Final = (
    listed("catalog", _FOUND, SEARCH),
    listed("catalog-not-found", {"catalog": CATALOG}, SEARCH),
    listed("catalog-empty", _EMPTY),
    listed("catalog-read", {"catalog": CATALOG}, can=nobody),
    listed("catalog-read-empty", _EMPTY, can=nobody),
    of_templates("templates", "templates", {"catalog": {"id": "cat_1", "templates": [TEMPLATE, BARE]}}),
    of_templates("templates-none", "templates", {"catalog": {"id": "cat_1", "templates": []}}),
    of_templates("templates-read", "templates", {"catalog": {"id": "cat_1", "templates": [TEMPLATE]}}, can=nobody),
    of_templates("template-choose", "template_choose", _EMPTY, found=[AMOXICILLIN, OXYCODONE], looked_for=None),
    of_templates("template-choose-none", "template_choose", _EMPTY, found=[], looked_for=None),
    of_templates("template-choose-not-found", "template_choose", _EMPTY, found=[], looked_for="zzz"),
    of_templates(
        "template-new",
        "template_new",
        _NEW,
        error="Write a number, such as 30 or 2.5.",
        error_field="dispense_quantity",
    ),
    of_templates("template", "template", _ONE),
    of_templates("template-delete", "template_delete", _ONE),
)
