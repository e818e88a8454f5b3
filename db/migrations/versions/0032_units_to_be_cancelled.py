"""Orders keep what is to be cancelled of them until its labels are taken back."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("orders", sa.Column("line_cancellations", JSONB(), nullable=True))


def downgrade() -> None:
    op.drop_column("orders", "line_cancellations")
