"""What Alembic runs: the revisions, on the connection that migrations/schema.py opened."""

from alembic import context

from migrations.model import render_item, whole_metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=whole_metadata(),
    render_item=render_item,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
