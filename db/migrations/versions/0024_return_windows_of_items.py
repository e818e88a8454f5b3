"""Items may have a return window of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("items", sa.Column("return_window_days", sa.Integer(), nullable=True))
    op.create_check_constraint("return_window_days", "items", "return_window_days >= 0")


def downgrade() -> None:
    op.drop_column("items", "return_window_days")
