"""Statements are compiled once, not each time that they run."""

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import rxauth
from rxauth.domain.leases import Outbox
from rxauth.domain.pruning import Pruning
from rxauth.storage.tenancy import Statement


def statements() -> Iterator[tuple[str, Statement]]:
    """Finds every statement at the top of a module."""
    for found in pkgutil.walk_packages(rxauth.__path__, "rxauth."):
        if ".migrations" in found.name or found.name.endswith("__main__"):
            continue
        for name, value in vars(import_module(found.name)).items():
            if isinstance(value, Statement):
                yield f"{found.name}.{name}", value
            elif isinstance(value, (Outbox, Pruning)):
                made = ((part, one) for part, one in vars(value).items() if isinstance(one, Statement))
                yield from ((f"{found.name}.{name}.{part}", one) for part, one in made)


def test_every_statement_can_be_found_again_by_those_who_compiled_it() -> None:
    found = dict(statements())
    assert len(found) > 100
    clauses: dict[str, Any] = {name: statement.clause for name, statement in found.items()}
    assert [name for name, clause in clauses.items() if clause._generate_cache_key() is None] == []
