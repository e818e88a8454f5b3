"""Dispositions keep what is deducted for the state that goods are in, and why."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

TABLE = "return_dispositions"


def upgrade() -> None:
    amount = sa.Column("deduction_amount", sa.BigInteger(), server_default="0", nullable=False)
    op.add_column(TABLE, amount)
    op.add_column(
        TABLE, sa.Column("deduction_reason", sa.Text(), server_default="", nullable=False)
    )
    op.create_check_constraint(
        "deduction",
        TABLE,
        "deduction_amount = 0 OR deduction_amount > 0 AND accepted AND deduction_reason <> ''",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_return_dispositions_deduction"), TABLE, type_="check")
    op.drop_column(TABLE, "deduction_reason")
    op.drop_column(TABLE, "deduction_amount")
