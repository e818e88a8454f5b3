"""orders, shipments, customers and items say when their version was last counted up."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TABLES = ("orders", "shipments", "customers", "items")


def upgrade() -> None:
    # Not earlier than what a transaction that began later has written meanwhile.
    op.execute(
        """CREATE FUNCTION say_when_changed() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.updated_at := greatest(now(), OLD.updated_at);
            RETURN NEW;
        END $$"""
    )
    for table in TABLES:
        # What is there has the moment of the upgrade: to look for a better one rewrites the table.
        now = sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        )
        op.add_column(table, now)
        op.execute(
            f"CREATE TRIGGER say_when_changed BEFORE UPDATE ON {table} FOR EACH ROW"
            " WHEN (OLD.version IS DISTINCT FROM NEW.version) EXECUTE FUNCTION say_when_changed()"
        )


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"DROP TRIGGER say_when_changed ON {table}")
        op.drop_column(table, "updated_at")
    op.execute("DROP FUNCTION say_when_changed()")
