"""The audit log at the console: its last checkpoint, when it was verified, and a look at its end."""

from typing import Any, Final

from rxauth.crypto.checkpoints import BadCheckpointError
from rxauth.domain import console
from rxauth.domain.operators import CONSOLE_PATH
from rxauth.edge.admin.sections import Act, Asking, Page, Values

PATH: Final = f"{CONSOLE_PATH}/audit"


def _values(asking: Asking) -> Values:
    checkpoint, problem = None, None
    try:
        checkpoint = console.last_checkpoint(asking.transaction, asking.operator)
    except BadCheckpointError as error:
        problem = str(error)
    return {
        "checkpoint": checkpoint,
        "checkpoint_problem": problem,
        "verification": console.last_verification(asking.transaction, asking.operator),
    }


def _look(asking: Asking) -> Any:
    return console.check_log(asking.transaction, asking.operator)


def _record(asking: Asking, tail: Any) -> str:
    console.record_check(asking.transaction, asking.operator, tail, asking.now_us)
    return PATH


PAGES: Final = (
    Page(
        PATH, "audit", "admin_audit.html", _values, {"verify": Act(_record, "The end of the log was checked.", _look)}
    ),
)
