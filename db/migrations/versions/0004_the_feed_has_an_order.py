"""the feed has an order."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("feed_origin")))
    # Events that there are already stand together at the beginning, by their ids: as they were
    # made. A constant default rewrites no row; only the key's index is built.
    op.add_column(
        "events", sa.Column("position", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.execute(
        """ALTER TABLE events ALTER COLUMN position SET DEFAULT
        ((pg_current_xact_id()::text::bigint
            + coalesce(pg_sequence_last_value('feed_origin'::regclass), 0)) << 16)"""
    )
    # Nothing looks for an event by its id alone, so the feed's order costs no index of its own.
    op.drop_constraint("pk_events", "events", type_="primary")
    op.create_primary_key("pk_events", "events", ["position", "id"])


def downgrade() -> None:
    op.drop_constraint("pk_events", "events", type_="primary")
    op.create_primary_key("pk_events", "events", ["id"])
    op.drop_column("events", "position")
    op.execute(sa.schema.DropSequence(sa.Sequence("feed_origin")))
