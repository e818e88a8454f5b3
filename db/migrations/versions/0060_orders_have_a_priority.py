"""Orders say how urgent they are and by when they were promised: who waits is served by that."""

import sqlalchemy as sa
from alembic import op

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("orders", sa.Column("priority", sa.Integer, nullable=False, server_default="3"))
    op.create_check_constraint(op.f("ck_orders_priority"), "orders", "priority BETWEEN 1 AND 5")
    op.add_column("orders", sa.Column("promised_on", sa.Date))


def downgrade() -> None:
    op.drop_column("orders", "promised_on")
    op.drop_column("orders", "priority")
