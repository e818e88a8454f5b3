"""Shipments may be packed by hand, and parcels know what is in them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("shipments", sa.Column("packed", JSONB()))
    op.add_column("parcels", sa.Column("contents", JSONB()))


def downgrade() -> None:
    op.drop_column("parcels", "contents")
    op.drop_column("shipments", "packed")
