"""The reference of the Python client, made of its docstrings."""

import inspect
from typing import Any

import rxauth_client
from reference.wording import docstring
from rxauth_client import django, requests, starlette


def page() -> str:
    """Returns the page."""
    parts = ["# Python client\n", f"{docstring(rxauth_client)}\n"]
    parts += [_named(name, getattr(rxauth_client, name)) for name in rxauth_client.__all__]
    for module in (requests, starlette, django):
        parts += [f"## {module.__name__}\n", f"{docstring(module)}\n"]
        parts += [_named(name, one, "###") for name, one in _offered(module)]
    return "\n".join(parts)


def _offered(module: Any) -> list[tuple[str, Any]]:
    return [
        (name, one)
        for name, one in vars(module).items()
        if not name.startswith("_") and getattr(one, "__module__", "") == module.__name__ and callable(one)
    ]


def _named(name: str, one: Any, level: str = "##") -> str:
    parts = [f"{level} {name}\n", _signature(name, one), f"{docstring(one)}\n"]
    if inspect.isclass(one) and not issubclass(one, Exception):
        for method_name, method in vars(one).items():
            if method_name.startswith("_") or not (inspect.isfunction(method) or isinstance(method, property)):
                continue
            shown = method_name if isinstance(method, property) else f"{method_name}{_arguments(method)}"
            parts += [f"`{shown}`\n", f":   {docstring(method)}\n".replace("\n\n", "\n\n    ")]
    return "\n".join(parts)


def _signature(name: str, one: Any) -> str:
    if inspect.isclass(one) and issubclass(one, Exception):
        return ""
    return f"```python\n{name}{_arguments(one)}\n```\n"


def _arguments(one: Any) -> str:
    try:
        return str(inspect.signature(one))
    except ValueError:
        return "(…)"
