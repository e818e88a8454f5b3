"""What has moved since a moment, and counts by status, are found without the history."""

from alembic import op

revision = "0071"
down_revision = "0070"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_counts_status", "counts", ["status", "id"])
    op.create_index("ix_movements_item_occurred", "movements", ["item_id", "occurred_at"])


def downgrade() -> None:
    op.drop_index("ix_movements_item_occurred", "movements")
    op.drop_index("ix_counts_status", "counts")
