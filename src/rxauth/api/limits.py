"""How much one document may ask for: counted on its text and its tree, before it is validated."""

from collections import Counter
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from rxauth.api.errors import LimitExceededError

DOCUMENT_LIMIT_CHARACTERS: Final = 50_000
TOKENS_LIMIT: Final = 4_000
DEPTH_LIMIT: Final = 12
ALIASES_LIMIT: Final = 50
DIRECTIVES_LIMIT: Final = 50
FIELDS_LIMIT: Final = 1_000
ROOT_FIELDS_LIMIT: Final = 50
REPETITION_LIMIT: Final = 10_000  # pairs of fields of one name, over the whole document
COST_LIMIT: Final = 50_000
PAGE_LIMIT: Final = 100
PAGE_DEFAULT: Final = 25


@dataclass(frozen=True, slots=True)
class _Weight:
    """What a selection asks for, with its fragments written out."""

    depth: int = 0
    width: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0
    cost: int = 0


def check(document: DocumentNode, paged: AbstractSet[str]) -> None:
    """Measures every operation of a document; fragments are measured once each, however often they are spread.

    paged: the names of the fields that return pages.

    Raises:
        LimitExceededError: naming the limit.
    """
    _check_repetition(document)
    fragments = {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    measure = _Measure(fragments, paged)
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            weight = measure.selection(definition.selection_set)
            if weight.width > ROOT_FIELDS_LIMIT:
                raise LimitExceededError(f"The operation has more than {ROOT_FIELDS_LIMIT} root fields.")
            _check_weight(weight, len(definition.directives or ()))


def _check_repetition(document: DocumentNode) -> None:
    """Refuses documents that ask for the same name again and again: validation compares such fields pair by pair."""
    times: Counter[str] = Counter()
    waiting: list[object] = list(document.definitions)
    while waiting:
        node = waiting.pop()
        if isinstance(node, FieldNode):
            times[node.alias.value if node.alias else node.name.value] += 1
        selections = getattr(node, "selection_set", None)
        if isinstance(selections, SelectionSetNode):
            waiting.extend(selections.selections)
    if sum(count * count for count in times.values()) > REPETITION_LIMIT:
        raise LimitExceededError("The document repeats the same fields too often.")


def _check_weight(weight: _Weight, directives: int) -> None:
    for name, value, limit in (
        ("levels", weight.depth, DEPTH_LIMIT),
        ("fields", weight.fields, FIELDS_LIMIT),
        ("aliases", weight.aliases, ALIASES_LIMIT),
        ("directives", weight.directives + directives, DIRECTIVES_LIMIT),
        ("values that it may return", weight.cost, COST_LIMIT),
    ):
        if value > limit:
            raise LimitExceededError(f"The document has more than {limit} {name}.")


class _Measure:
    """Adds up selections; a fragment that spreads itself counts as nothing, validation refuses it."""

    def __init__(self, fragments: dict[str, FragmentDefinitionNode], paged: AbstractSet[str]) -> None:
        self._fragments = fragments
        self._paged = paged
        self._measured: dict[str, _Weight] = {}
        self._open: set[str] = set()

    def selection(self, selections: SelectionSetNode | None) -> _Weight:
        if selections is None:
            return _Weight()
        return _sum(self._one(selection) for selection in selections.selections)

    def _one(self, node: object) -> _Weight:
        if isinstance(node, FieldNode):
            return self._field(node)
        if isinstance(node, InlineFragmentNode):
            return _sum((self.selection(node.selection_set), _Weight(directives=len(node.directives or ()))))
        if isinstance(node, FragmentSpreadNode):
            return _sum((self._fragment(node.name.value), _Weight(directives=len(node.directives or ()))))
        return _Weight()

    def _field(self, node: FieldNode) -> _Weight:
        inner = self.selection(node.selection_set)
        return _Weight(
            depth=inner.depth + 1,
            width=1,
            fields=inner.fields + 1,
            aliases=inner.aliases + (node.alias is not None),
            directives=inner.directives + len(node.directives or ()),
            cost=1 + inner.cost * (_rows(node) if node.name.value in self._paged else 1),
        )

    def _fragment(self, name: str) -> _Weight:
        if name in self._measured or name in self._open or name not in self._fragments:
            return self._measured.get(name, _Weight())
        self._open.add(name)
        fragment = self._fragments[name]
        weight = _sum((self.selection(fragment.selection_set), _Weight(directives=len(fragment.directives or ()))))
        self._open.discard(name)
        self._measured[name] = weight
        return weight


def _rows(node: FieldNode) -> int:
    """Returns how many rows a page may have: what `first` says, or the most that it can when it is a variable."""
    for argument in node.arguments or ():
        if argument.name.value == "first":
            written = argument.value
            return min(max(int(written.value), 0), PAGE_LIMIT) if isinstance(written, IntValueNode) else PAGE_LIMIT
    return PAGE_DEFAULT


def _sum(weights: Iterable[_Weight]) -> _Weight:
    depth = width = fields = aliases = directives = cost = 0
    for weight in weights:
        depth = max(depth, weight.depth)
        width += weight.width
        fields += weight.fields
        aliases += weight.aliases
        directives += weight.directives
        cost += weight.cost
    return _Weight(depth, width, fields, aliases, directives, cost)
