"""Returns keep what their label costs the customer, and refunds what they keep for it."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

COLUMN = "label_fee_amount"
BOUNDS = {
    "returns": "label_fee_amount = 0 OR label_fee_amount > 0 AND ship_back = 'label'",
    "refunds": "label_fee_amount >= 0 AND label_fee_amount <= fee_amount",
}


def upgrade() -> None:
    for table, bound in BOUNDS.items():
        op.add_column(table, sa.Column(COLUMN, sa.BigInteger(), server_default="0", nullable=False))
        op.create_check_constraint("label_fee", table, bound)


def downgrade() -> None:
    # What was kept stays part of the refunds' fee.
    for table in BOUNDS:
        op.drop_constraint(op.f(f"ck_{table}_label_fee"), table, type_="check")
        op.drop_column(table, COLUMN)
