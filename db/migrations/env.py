"""Run the revisions on the connection that `db.migrate` hands over; refuses to open one of its own."""

from alembic import context

from db.tables import every_table

config = context.config
context.configure(
    connection=config.attributes["connection"],
    target_metadata=every_table(),
    version_table_schema="app",
)
with context.begin_transaction():
    context.run_migrations()
