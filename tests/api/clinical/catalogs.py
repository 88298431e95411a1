"""What the tests of catalogs and templates ask for."""

from typing import Any

from tests.api.documents import CREATE_TEMPLATE, ELEMENTS_CATALOG
from tests.live import Live


def catalog_id(live: Live, token: str) -> str:
    """Returns the identifier of the organization's catalog."""
    return str(live.data(token, "{ catalog { id } }")["catalog"]["id"])


def catalog(live: Live, token: str) -> Any:
    """Returns the organization's catalog with everything in it that the token sees."""
    return live.data(token, ELEMENTS_CATALOG, {"id": catalog_id(live, token)})["catalog"]


def treatment_ids(live: Live, token: str) -> list[str]:
    """Returns the identifiers of a page of medications."""
    return [str(one["id"]) for one in live.data(token, "{ medications { id } }")["medications"]]


def template(live: Live, token: str, **values: Any) -> Any:
    """Makes a template for some medication; returns it as its maker sees it."""
    place = {"catalogId": catalog_id(live, token), "treatmentId": treatment_ids(live, token)[0]}
    return live.data(token, CREATE_TEMPLATE, place | values)["createPrescriptionTemplate"]
