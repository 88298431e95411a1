"""Writes `documents.py` from the operations and the server's schema: `python clients/python/tools/generate.py`."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLType,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_list_type,
    is_non_null_type,
    parse,
    print_ast,
    type_from_ast,
    validate,
)

from rxauth.api import contract

FOLDER: Final = Path(__file__).parent.parent
WRITTEN: Final = FOLDER / "src" / "rxauth_client" / "documents.py"
_SCALARS: Final = {"Int": "int", "Float": "float", "Boolean": "bool", "AWSJSON": "Any"}
_HEAD: Final = '''"""Operations that most backends need, with their types; generated from operations/."""

# ruff: noqa: A002, E501, N803, N815

from typing import Final, Literal, NotRequired, TypedDict

from rxauth_client.operations import Operation
'''


class _Writer:
    """Collects the classes that the operations need, each once, before the one that uses it."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._classes: dict[str, str] = {}

    def text(self, tree: DocumentNode) -> str:
        """Returns the module for the operations of a document."""
        functions = [
            self._function(one) for one in tree.definitions if isinstance(one, OperationDefinitionNode) and one.name
        ]
        return "\n\n".join([_HEAD.rstrip() + "\n", *[f"{one}\n" for one in self._classes.values()], *functions]) + "\n"

    def _function(self, one: OperationDefinitionNode) -> str:
        assert one.name is not None
        name, root = one.name.value, self._schema.get_root_type(one.operation)
        assert root is not None
        self._selection(f"{name}Data", one.selection_set, root)
        parameters = sorted(self._parameters(one), key=lambda parameter: parameter.endswith("= None"))
        names = [variable.variable.name.value for variable in one.variable_definitions or ()]
        given = ", ".join(f'"{each}": {each}' for each in names)
        word = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
        return (
            f"def {word}(*, {', '.join(parameters)}) -> Operation[{name}Data]:\n"
            f'    """Returns the operation {name}."""\n'
            f"    return Operation({name!r}, _{word.upper()}, {{{given}}})\n\n\n"
            f'_{word.upper()}: Final = """\n{print_ast(one)}\n"""'
        )

    def _parameters(self, one: OperationDefinitionNode) -> Iterator[str]:
        for variable in one.variable_definitions or ():
            kind = type_from_ast(self._schema, variable.type)
            assert kind is not None
            end = "" if is_non_null_type(kind) else " = None"
            yield f"{variable.variable.name.value}: {self._type(kind)}{end}"

    def _member(self, name: str, kind: GraphQLType) -> str:
        text = self._type(kind)
        return f"{name}: {text}" if is_non_null_type(kind) else f"{name}: NotRequired[{text}]"

    def _type(self, kind: GraphQLType, selected: str | None = None) -> str:
        """Returns a type as Python writes it. selected: the class of what is asked of an object."""
        if is_non_null_type(kind):
            return self._type(kind.of_type, selected).removesuffix(" | None")
        if is_list_type(kind):
            return f"list[{self._type(kind.of_type, selected)}] | None"
        if isinstance(kind, GraphQLEnumType):
            return f"Literal[{', '.join(repr(value) for value in kind.values)}] | None"
        if isinstance(kind, GraphQLInputObjectType):
            self._class(kind.name, [self._member(name, one.type) for name, one in kind.fields.items()])
            return f"{kind.name} | None"
        return f"{selected or _SCALARS.get(str(kind), 'str')} | None"

    def _selection(self, name: str, selection: SelectionSetNode, on: GraphQLObjectType | GraphQLInterfaceType) -> str:
        members = []
        for one in selection.selections:
            assert isinstance(one, FieldNode)
            kind: GraphQLOutputType = on.fields[one.name.value].type
            below, inner = None, get_named_type(kind)
            if one.selection_set is not None and isinstance(inner, GraphQLObjectType | GraphQLInterfaceType):
                word = one.name.value
                below = self._selection(
                    f"{name.removesuffix('Data')}{word[0].upper()}{word[1:]}", one.selection_set, inner
                )
            members.append(f"{one.name.value}: {self._type(kind, below)}")
        return self._class(name, members)

    def _class(self, name: str, members: list[str]) -> str:
        if name not in self._classes:
            body = "\n".join(f"    {member}" for member in members) or "    pass"
            self._classes[name] = f'class {name}(TypedDict):\n    """See the document."""\n\n{body}'
        return name


def generated() -> str:
    """Returns what `documents.py` should be.

    Raises:
        SystemExit: an operation does not fit the schema.
    """
    schema = contract.schema()
    tree = parse("\n".join(path.read_text() for path in sorted((FOLDER / "operations").glob("*.graphql"))))
    errors = validate(schema, tree)
    if errors:
        sys.exit("\n".join(str(error) for error in errors))
    return _Writer(schema).text(tree)


if __name__ == "__main__":
    WRITTEN.write_text(generated())
