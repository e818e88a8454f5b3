"""Orders that wait for the money of a card are counted by customer and by source."""

import sqlalchemy as sa
from alembic import op

revision = "0069"
down_revision = "0068"
branch_labels = None
depends_on = None

INDEXES = {"ix_orders_unpaid": "customer_id", "ix_orders_unpaid_source": "source"}
UNPAID = "status = 'pending' AND payment_method = 'card'"


def upgrade() -> None:
    for name, column in INDEXES.items():
        op.create_index(name, "orders", [column], postgresql_where=sa.text(UNPAID))


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(name, "orders")
