"""orders, customers and items have metadata of those who call."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TABLES = ("orders", "customers", "items")


def upgrade() -> None:
    for table in TABLES:
        kept = sa.Column("metadata", JSONB(), server_default=sa.text("'{}'"), nullable=False)
        op.add_column(table, kept)


def downgrade() -> None:
    for table in TABLES:
        op.drop_column(table, "metadata")
