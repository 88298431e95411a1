"""Who the operators are, at the console; only the command line makes one."""

from typing import Final

from rxauth.domain import console
from rxauth.domain.operators import CONSOLE_PATH
from rxauth.edge.admin.sections import Asking, Page, Values


def _values(asking: Asking) -> Values:
    return {
        "operators": console.all_operators(asking.transaction, asking.operator),
        "user_id": asking.operator.user_id,
    }


OPERATORS: Final = Page(f"{CONSOLE_PATH}/operators", "operators", "admin_operators.html", _values)
