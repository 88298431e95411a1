"""What is looked up, and looked over, before somebody prescribes."""

from types import MappingProxyType
from typing import Final

from rxauth.api.context import Info
from rxauth.domain import diagnoses
from rxauth.domain.diagnoses import Diagnosis
from rxauth.domain.paging import page


def search_diagnoses(
    _root: None, info: Info, name: str | None = None, after: str | None = None, first: int | None = None
) -> list[Diagnosis]:
    """Query.diagnoses."""
    rows = page(None, first).rows
    return info.context.read(lambda tx: diagnoses.search(tx, name, after, rows))


RESOLVERS: Final = MappingProxyType({"Query": {"diagnoses": search_diagnoses}})
