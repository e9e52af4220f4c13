"""Run by Alembic; the connection and its transaction are the caller's (`Database.migrate`)."""

from alembic import context

from sync.central.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
