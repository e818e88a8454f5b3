"""what partners say when they refuse, and the postage in a refund."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "payment_entries",
        sa.Column("failure_message", sa.Text(), server_default="", nullable=False),
    )
    op.add_column(
        "shipments",
        sa.Column("refund_shipping_amount", sa.BigInteger(), server_default="0", nullable=False),
    )


def downgrade() -> None:
    op.drop_column("shipments", "refund_shipping_amount")
    op.drop_column("payment_entries", "failure_message")
