"""Cards that were declined within an hour are counted by customer."""

import sqlalchemy as sa
from alembic import op

revision = "0072"
down_revision = "0071"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "customers", sa.Column("declines", sa.Integer, nullable=False, server_default="0")
    )
    op.add_column("customers", sa.Column("declines_from", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("customers", "declines_from")
    op.drop_column("customers", "declines")
