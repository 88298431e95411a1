"""What a page of the console is made of: what it shows, and what its forms do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from rxauth.domain.mails import Outbox
from rxauth.domain.operators import CONSOLE_PATH
from rxauth.edge.context import Edge
from rxauth.edge.settings.frame import ACCOUNT_TABS, Tab
from rxauth.edge.visits import Visit, outbox
from rxauth.policy.operators import Operator
from rxauth.storage.database import Transaction

Values = Mapping[str, Any]
TABS: Final = (
    Tab("overview", "Overview", CONSOLE_PATH),
    Tab("organizations", "Organizations", f"{CONSOLE_PATH}/organizations"),
    Tab("keys", "Signing keys", f"{CONSOLE_PATH}/keys"),
    Tab("audit", "Audit log", f"{CONSOLE_PATH}/audit"),
    Tab("operators", "Operators", f"{CONSOLE_PATH}/operators"),
)
NAVIGATION: Final = (("Installation", TABS), ("Your account", ACCOUNT_TABS))


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks something of the console, in one transaction. fields: of the URL, and of the form if one was sent."""

    edge: Edge
    transaction: Transaction
    operator: Operator
    visitor: Visit
    fields: Mapping[str, str] = field(repr=False)

    @property
    def now(self) -> int:
        """UTC seconds."""
        return self.edge.server.clock.seconds()

    @property
    def now_us(self) -> int:
        """UTC microseconds."""
        return self.edge.server.clock.microseconds()

    @property
    def outbox(self) -> Outbox:
        """Where letters are put."""
        return outbox(self.edge.server)

    def text(self, name: str) -> str:
        """Returns a field without the space around it; empty if there is none."""
        return self.fields.get(name, "").strip()


def nothing(_asking: Asking) -> None:
    """Makes nothing ready."""


def kept(_edge: Edge, _ready: Any) -> None:
    """Does nothing with what was made ready."""


@dataclass(frozen=True, slots=True)
class Act:
    """What one form does, in one write. do: returns the path of the next page.

    ready: what is made beforehand, in a read, because it takes long; unused: what to do with it if nothing was done.
    notice: what the next page says.
    """

    do: Callable[[Asking, Any], str]
    notice: str
    ready: Callable[[Asking], Any] = nothing
    unused: Callable[[Edge, Any], None] = kept


@dataclass(frozen=True, slots=True)
class Page:
    """One page. path: with parts in braces, which are fields too. is_dangerous: its act shuts out, or lets in."""

    path: str
    tab: str
    template: str
    values: Callable[[Asking], Values]
    acts: Mapping[str, Act] = field(default_factory=lambda: MappingProxyType({}))
    is_dangerous: bool = False
