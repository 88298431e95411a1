"""What Alembic runs to apply revisions: it works in the transaction it is given."""

from typing import Any, Final

from alembic import context
from sqlalchemy import Connection, text

from rxauth.storage.migrations.row_security import see_everything
from rxauth.storage.tables import metadata

_FIRST_THAT_SAYS: Final = "0028"
_FORGET: Final = text("DELETE FROM compatibility")
_NOTE: Final = text("INSERT INTO compatibility (id, oldest_server) VALUES (1, :oldest_server)")
_KNOWN: Final = text("SELECT oldest_server FROM compatibility")

attributes = context.config.attributes


def _remember(ctx: Any, step: Any, heads: Any, run_args: Any) -> None:  # noqa: ARG001  # Alembic names them
    attributes["applied"].append(step.up_revision_id)
    if step.up_revision_id >= _FIRST_THAT_SAYS:
        _note_oldest_server(attributes["connection"], step.up_revision.module.oldest_server)


def _note_oldest_server(connection: Connection, declared: str) -> None:
    """Notes from which revision on a server may serve these tables; what an earlier revision ended stays ended."""
    oldest = max(declared, connection.execute(_KNOWN).scalar() or declared)
    connection.execute(_FORGET)
    connection.execute(_NOTE, {"oldest_server": oldest})


context.configure(connection=attributes["connection"], target_metadata=metadata, on_version_apply=_remember)
see_everything(attributes["connection"])
context.run_migrations()
