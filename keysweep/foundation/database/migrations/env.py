"""Alembic's entry point: it always gets an open connection from `run.upgrade`."""

from __future__ import annotations

from alembic import context

from keysweep.foundation.database.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
