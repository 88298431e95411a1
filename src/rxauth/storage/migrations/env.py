"""What Alembic runs to apply revisions: it works in the transaction it is given."""

from typing import Any

from alembic import context

from rxauth.storage.migrations.engine_specific import grant_to_serving_role
from rxauth.storage.tables import metadata

attributes = context.config.attributes


def _remember(ctx: Any, step: Any, heads: Any, run_args: Any) -> None:  # noqa: ARG001  # Alembic names them
    attributes["applied"].append(step.up_revision_id)


context.configure(connection=attributes["connection"], target_metadata=metadata, on_version_apply=_remember)
context.run_migrations()
grant_to_serving_role(attributes["connection"], attributes["serving_role"])
