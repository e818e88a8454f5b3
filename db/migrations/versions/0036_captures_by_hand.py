"""Shipments and orders count what became of money that was captured by hand."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

COLUMNS = (("shipments", "prepaid_amount"), ("orders", "prepaid_returned_amount"))


def upgrade() -> None:
    for table, name in COLUMNS:
        op.add_column(table, sa.Column(name, sa.BigInteger(), server_default="0", nullable=False))


def downgrade() -> None:
    for table, name in COLUMNS:
        op.drop_column(table, name)
