"""The reference of the endpoints beside GraphQL: the OpenAPI description, as a page."""

from typing import Any

from reference.wording import code, one_line, table
from rxauth.edge import openapi

_EXAMPLE = "https://auth.example.com/"
_SCHEMAS = "#/components/schemas/"


def page() -> str:
    """Returns the page."""
    document = openapi.document(_EXAMPLE)
    parts = ["# REST and OAuth endpoints\n", document["info"]["description"], ""]
    parts.append(f"Every server gives this description away at `{openapi.PATH}`, as OpenAPI {document['openapi']}.\n")
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method not in {"head", "options"}:
                parts.append(_operation(path, method, operation))
    parts.append("## What answers are made of\n")
    for name, schema in document["components"]["schemas"].items():
        parts.append(f"### {name} {{ #{_anchor(name)} }}\n")
        parts += [table(("Member", "Type", "Meaning"), _members(one)) for one in schema.get("oneOf", [schema])]
    return "\n".join(parts)


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    parts = [f"## {method.upper()} {path}\n", f"{operation['summary']}. {operation.get('description', '')}\n"]
    asked = [(code(one["name"]), one["in"], _needed(one["required"]), one["description"]) for one in _asked(operation)]
    if asked:
        parts.append(table(("Parameter", "Place", "Needed", "Meaning"), asked))
    body = operation.get("requestBody")
    if body is not None:
        parts.append(f"The body is {' or '.join(code(one) for one in body['content'])}.\n")
        schema = next(iter(body["content"].values()))["schema"]
        parts.append(_schema(schema))
    rows = [(status, _text(one), _types(one), ", ".join(_headers(one))) for status, one in _answers(operation)]
    parts.append(table(("Status", "What it says", "Content", "Headers"), rows))
    return "\n".join(parts)


def _asked(operation: dict[str, Any]) -> list[dict[str, Any]]:
    asked: list[dict[str, Any]] = operation.get("parameters", [])
    return asked


def _answers(operation: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return sorted(operation["responses"].items())


def _schema(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_SCHEMAS)
        return f"It is a [{name}](#{_anchor(name)}).\n"
    return table(("Member", "Type", "Meaning"), _members(schema))


def _members(schema: dict[str, Any]) -> list[tuple[str, str, str]]:
    required = schema.get("required", [])
    return [
        (f"{code(name)}{' (needed)' if name in required else ''}", _type(one), one_line(one.get("description")))
        for name, one in schema.get("properties", {}).items()
    ]


def _type(schema: dict[str, Any]) -> str:
    if "const" in schema:
        return code(str(schema["const"]))
    if "enum" in schema:
        return ", ".join(code(one) for one in schema["enum"])
    kinds = schema.get("type", "")
    return kinds if isinstance(kinds, str) else " or ".join(kinds)


def _text(answer: dict[str, Any]) -> str:
    return str(answer["description"]).replace("\n- ", "<br>").removeprefix("- ")


def _types(answer: dict[str, Any]) -> str:
    shown = []
    for media_type, content in answer.get("content", {}).items():
        name = content["schema"].get("$ref", "").removeprefix(_SCHEMAS)
        shown.append(f"{code(media_type)}{f': [{name}](#{_anchor(name)})' if name else ''}")
    return "<br>".join(shown)


def _headers(answer: dict[str, Any]) -> list[str]:
    return [code(name) for name in answer["headers"]]


def _needed(needed: bool) -> str:
    return "yes" if needed else ""


def _anchor(name: str) -> str:
    return f"schema-{name.lower()}"
