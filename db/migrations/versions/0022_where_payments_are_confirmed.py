"""Payments know where their customers confirm them, and where those go afterwards."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

COLUMNS = ("return_url", "redirect_url")


def upgrade() -> None:
    for column in COLUMNS:
        op.add_column("payments", sa.Column(column, sa.Text(), nullable=True))


def downgrade() -> None:
    for column in reversed(COLUMNS):
        op.drop_column("payments", column)
