"""What the nouns refuse, each refusal with a text that may be shown to whoever asked."""


class DomainError(Exception):
    """A request that a noun refuses; str() is written for whoever asked."""


class AbsentError(DomainError):
    """There is no such thing, or none that the organization owns: the two look the same."""


class InvalidError(DomainError):
    """A value breaks an invariant of its noun."""


class ExistsError(DomainError):
    """The thing is there already."""
