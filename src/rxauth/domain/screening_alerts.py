"""Alerts, and the facts that they are made of. Pure: it knows no database, and nothing of who asks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class AlertType(StrEnum):
    """With what a drafted prescription was compared."""

    DRUG = "DRUG"
    ALLERGEN = "ALLERGEN"
    CONDITION = "CONDITION"


class Severity(StrEnum):
    """How much an alert matters; the most severe first."""

    MAJOR = "MAJOR"
    MODERATE = "MODERATE"
    MINOR = "MINOR"


class EntityKind(StrEnum):
    """What an alert is about."""

    ALLERGEN = "Allergen"
    CONDITION = "Condition"
    DRAFTED = "DraftedPrescription"
    EXISTING = "ExistingPrescription"


@dataclass(frozen=True, slots=True)
class Entity:
    """Something that an alert is about. id: of a drafted prescription that of its treatment, for it has none yet."""

    kind: EntityKind
    id: str
    name: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Alert:
    """What was compared, and what was found; it claims no more than the facts say."""

    type: AlertType
    severity: Severity
    description: str = field(repr=False)
    involved: tuple[Entity, ...]


@dataclass(frozen=True, slots=True)
class Substance:
    """What is compared of a treatment. ingredients: empty if none are known here.

    drug_id: the drug that the treatment is, or is a product or package of. form: the dose form, None if nobody says it.
    """

    id: str
    name: str = field(repr=False)
    drug_id: str
    is_medication: bool
    form: str | None
    ingredients: frozenset[str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Drafted:
    """A prescription that somebody thinks of. None: not said yet."""

    substance: Substance
    quantity: float | None = field(default=None, repr=False)
    unit: str | None = field(default=None, repr=False)
    days_supply: int | None = field(default=None, repr=False)
    instructions: str | None = field(default=None, repr=False)

    @property
    def entity(self) -> Entity:
        """What an alert names."""
        return Entity(EntityKind.DRAFTED, self.substance.id, self.substance.name)


@dataclass(frozen=True, slots=True)
class Existing:
    """A prescription that the patient has. is_active: fills are left; else the last of them may still last."""

    id: str
    substance: Substance
    is_active: bool = True

    @property
    def entity(self) -> Entity:
        """What an alert names."""
        return Entity(EntityKind.EXISTING, self.id, self.substance.name)

    @property
    def said(self) -> str:
        """What it is called in an alert."""
        state = "an active prescription" if self.is_active else "a prescription whose last fill may still last"
        return f"{state} for {self.substance.name}"


@dataclass(frozen=True, slots=True)
class Allergen:
    """Something that the patient is recorded to be allergic to. ingredients: empty if none are known here."""

    id: str
    name: str = field(repr=False)
    ingredients: frozenset[str] = field(repr=False)

    @property
    def entity(self) -> Entity:
        """What an alert names."""
        return Entity(EntityKind.ALLERGEN, self.id, self.name)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a screening compares. has_more: there are more prescriptions than these, older ones."""

    drafts: Sequence[Drafted]
    existing: Sequence[Existing] = ()
    allergens: Sequence[Allergen] = ()
    conditions: Sequence[Entity] = ()
    has_more: bool = False

    @property
    def drafted(self) -> tuple[Entity, ...]:
        """What was drafted, each treatment once."""
        return tuple(sorted({one.entity for one in self.drafts}, key=lambda one: (one.name, one.id)))


def in_order(found: Iterable[Alert]) -> list[Alert]:
    """Returns alerts each once, the most severe first, whatever the order in which they were found."""
    severities = list(Severity)

    def key(one: Alert) -> tuple[int, str, str, list[tuple[str, str]]]:
        ids = [(entity.kind.value, entity.id) for entity in one.involved]
        return severities.index(one.severity), one.type, one.description, ids

    return sorted(set(found), key=key)


def listed(names: Iterable[str]) -> str:
    """Returns names in a sentence: "a, b and c"."""
    *before, last = sorted(names)
    return f"{', '.join(before)} and {last}" if before else last
