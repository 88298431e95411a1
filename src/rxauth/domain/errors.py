"""What the nouns refuse, each refusal with a text that may be shown to whoever asked."""

from typing import Self


class DomainError(Exception):
    """A request that a noun refuses; str() is written for whoever asked.

    field: where the refused value stands among what was asked, such as address.city; None: no single value is at fault.
    """

    def __init__(self, message: str = "", field: str | None = None) -> None:
        super().__init__(message)
        self.field = field

    def within(self, place: str) -> Self:
        """Returns the same refusal of what stands at a place among others, such as prescriptions[1]."""
        return type(self)(f"{place}: {self}", place if self.field is None else f"{place}.{self.field}")


class AbsentError(DomainError):
    """There is no such thing, or none that the organization owns: the two look the same."""


class InvalidError(DomainError):
    """A value breaks an invariant of its noun."""


class ExistsError(DomainError):
    """The thing is there already."""


class StaleError(DomainError):
    """Somebody changed meanwhile what the request was made from."""


class RefusedError(DomainError):
    """Somebody may not do something, or not now; `code` is for programs and the audit log, str() for whoever asked."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
