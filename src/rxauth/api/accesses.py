"""What the access log has of an operation: its name, its root fields and the patients that it met; never a value."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_named_type,
)

from rxauth.api.schema import required_permissions

# An operation that can show any of these is recorded, even if it showed none; reading the log is, too.
RECORDED: Final = frozenset({"Patient", "Prescription", "PrescriptionScreenResult", "Order", "Fill", "AccessRecord"})
# Fields that show a secret when it is made, and never again: no copy of such an answer is kept.
SECRETS: Final = frozenset(
    {("Client", "secret"), ("App", "secret"), ("MachineSecret", "secret"), ("WebhookConfig", "sharedSecret")}
)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a document. name None: it has none. fields: the root fields that it asks for.

    roots: how many answers to root fields there are. guards: what its fields ask for, each one of some permissions.
    shows_secret: whether it asks for what is shown once.
    """

    kind: OperationType
    name: str | None
    fields: tuple[str, ...]
    is_recorded: bool
    roots: int
    guards: frozenset[tuple[str, ...]]
    shows_secret: bool


@dataclass(frozen=True, slots=True)
class Touched:
    """An operation that is to be recorded. codes: of its errors. patient_ids: whom it showed or changed."""

    operation: Operation
    outcome: str
    codes: tuple[str, ...]
    patient_ids: frozenset[str] = field(repr=False)


def operations(schema: GraphQLSchema, tree: DocumentNode) -> dict[str | None, Operation]:
    """Returns the operations of a document that fits the schema, by name; the only one by the name None too."""
    fragments = {one.name.value: one for one in tree.definitions if isinstance(one, FragmentDefinitionNode)}
    found: dict[str | None, Operation] = {}
    definitions = [one for one in tree.definitions if isinstance(one, OperationDefinitionNode)]
    for one in definitions:
        name = one.name.value if one.name else None
        root = schema.get_root_type(one.operation)
        reader = _Reader(schema, fragments)
        answers = {} if root is None else reader.read(one.selection_set, root)
        fields, is_recorded = tuple(dict.fromkeys(answers.values())), not RECORDED.isdisjoint(reader.kinds)
        found[name] = Operation(
            one.operation, name, fields, is_recorded, len(answers), frozenset(reader.guards), reader.shows_secret
        )
    if len(definitions) == 1:
        [found[None]] = found.values()
    return found


def touched(operation: Operation, patient_ids: Iterable[str], data: Any, codes: Collection[str]) -> Touched | None:
    """Returns what to record of an operation that ran; None: it touched nothing clinical."""
    met = frozenset(patient_ids)
    if not met and not operation.is_recorded:
        return None
    nothing_ran = data is None or all(value is None for value in data.values())
    outcome = "success" if not codes else "failure" if nothing_ran else "partial"
    return Touched(operation, outcome, tuple(sorted(codes)), met)


@dataclass(slots=True)
class _Reader:
    """Notes the types that a selection can show, and the guards before its fields; each fragment is read once."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    kinds: set[str] = field(default_factory=set)
    guards: set[tuple[str, ...]] = field(default_factory=set)
    shows_secret: bool = False
    _read: set[str] = field(default_factory=set)

    def read(self, selection: SelectionSetNode, on: GraphQLNamedType) -> dict[str, str]:
        """Returns the fields that are asked of a type: their names, by those that they have in the answer."""
        answers: dict[str, str] = {}
        self.kinds.add(on.name)
        for one in selection.selections:
            if isinstance(one, FieldNode):
                answers[one.alias.value if one.alias else one.name.value] = one.name.value
                self._follow(one, on)
            elif isinstance(one, InlineFragmentNode):
                condition = one.type_condition
                answers |= self.read(one.selection_set, self._named(condition.name.value) if condition else on)
            elif isinstance(one, FragmentSpreadNode) and one.name.value not in self._read:
                self._read.add(one.name.value)
                fragment = self.fragments[one.name.value]
                answers |= self.read(fragment.selection_set, self._named(fragment.type_condition.name.value))
        return answers

    def _follow(self, one: FieldNode, on: GraphQLNamedType) -> None:
        asked = getattr(on, "fields", {}).get(one.name.value)
        if asked is None:
            return  # it is about the schema itself
        self.shows_secret |= (on.name, one.name.value) in SECRETS
        permissions = required_permissions(asked)
        if permissions is not None:
            self.guards.add(permissions)
        if one.selection_set is not None:
            self.read(one.selection_set, get_named_type(asked.type))

    def _named(self, name: str) -> GraphQLNamedType:
        return self.schema.type_map[name]
