"""Every page of the console, and what each act says afterwards."""

from types import MappingProxyType
from typing import Final

from rxauth.edge.admin import audit, keys, operators, organizations, overview

PAGES: Final = (
    overview.OVERVIEW,
    *organizations.PAGES,
    *keys.PAGES,
    *audit.PAGES,
    operators.OPERATORS,
)
NOTICES: Final = MappingProxyType({name: act.notice for page in PAGES for name, act in page.acts.items()})
