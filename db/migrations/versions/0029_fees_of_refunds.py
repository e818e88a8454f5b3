"""Refunds keep fees of what goes back for goods: items say which, and returns keep what they said."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

RATED = ("items", "return_lines")
FEES = (
    ("refunds", "fee_amount"),
    ("refund_lines", "fee_amount"),
    ("refund_lines", "fee_tax_amount"),
)


def upgrade() -> None:
    for table in RATED:
        rate = sa.Column(
            "restocking_fee_rate", sa.Numeric(9, 6), server_default="0", nullable=False
        )
        op.add_column(table, rate)
        op.create_check_constraint(
            "restocking_fee_rate", table, "restocking_fee_rate >= 0 AND restocking_fee_rate < 1"
        )
    for table, name in FEES:
        op.add_column(table, sa.Column(name, sa.BigInteger(), server_default="0", nullable=False))
    op.create_check_constraint(
        "fees",
        "refund_lines",
        "fee_amount >= 0 AND fee_amount <= amount"
        " AND fee_tax_amount >= 0 AND fee_tax_amount <= tax_amount",
    )
    _bound(
        "shipping_amount >= 0 AND goodwill_amount >= 0 AND tax_amount >= 0"
        " AND fee_amount >= 0 AND shipping_amount + goodwill_amount <= amount + fee_amount"
        " AND tax_amount <= amount"
    )


def downgrade() -> None:
    # What was kept is taken off the lines, whose money and tax then add up to the refund again.
    op.execute(
        "UPDATE refund_lines SET amount = amount - fee_amount,"
        " tax_amount = tax_amount - fee_tax_amount WHERE fee_amount > 0"
    )
    _bound(
        "shipping_amount >= 0 AND goodwill_amount >= 0 AND tax_amount >= 0"
        " AND shipping_amount + goodwill_amount <= amount AND tax_amount <= amount"
    )
    op.drop_constraint(op.f("ck_refund_lines_fees"), "refund_lines", type_="check")
    for table, name in FEES:
        op.drop_column(table, name)
    for table in RATED:
        op.drop_column(table, "restocking_fee_rate")


def _bound(amounts: str) -> None:
    op.drop_constraint(op.f("ck_refunds_amounts"), "refunds", type_="check")
    op.create_check_constraint("amounts", "refunds", amounts)
