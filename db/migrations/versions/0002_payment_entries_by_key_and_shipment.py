"""payment entries by key and shipment."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_payment_entries_key", "payment_entries", ["key"], unique=False)
    op.create_index("ix_payment_entries_shipment", "payment_entries", ["shipment_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_payment_entries_shipment", table_name="payment_entries")
    op.drop_index("ix_payment_entries_key", table_name="payment_entries")
