"""Terms may give the price back by the days that are left, and returns keep by which."""

import sqlalchemy as sa
from alembic import op

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "warranty_terms",
        sa.Column("refund_rule", sa.Text(), nullable=False, server_default="full"),
    )
    op.create_check_constraint(
        op.f("ck_warranty_terms_refund_rule"),
        "warranty_terms",
        "refund_rule IN ('full', 'remaining_months')",
    )
    for column in ("days_left", "days_of"):
        op.add_column("return_lines", sa.Column(column, sa.Integer()))
    op.create_check_constraint(
        op.f("ck_return_lines_days"),
        "return_lines",
        "num_nonnulls(days_left, days_of) <> 1 AND days_left BETWEEN 0 AND days_of AND days_of > 0",
    )


def downgrade() -> None:
    for column in ("days_of", "days_left"):
        op.drop_column("return_lines", column)
    op.drop_column("warranty_terms", "refund_rule")
