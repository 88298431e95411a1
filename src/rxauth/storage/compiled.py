"""Statements as SQL: compiled once a process, not once for each of its pools."""

from typing import Any, Final

from sqlalchemy.util import LRUCache

STATEMENTS_LIMIT: Final = 1_000


class Compiled(LRUCache[Any, Any]):
    """What a pool looks compiled statements up in. Its keys begin with the dialect, of which each pool has its own.

    All of one engine are alike, so that its class stands for them.
    """

    def get(self, key: Any, default: Any = None) -> Any:
        """Returns a compiled statement, if it is there."""
        return super().get((type(key[0]), *key[1:]), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        """Keeps a compiled statement."""
        super().__setitem__((type(key[0]), *key[1:]), value)


OF_THIS_PROCESS: Final = Compiled(STATEMENTS_LIMIT)
