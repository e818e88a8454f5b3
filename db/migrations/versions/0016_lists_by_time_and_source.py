"""lists are narrowed by when documents were made or changed, and orders by their source."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

INDEXES = (
    ("ix_orders_placed", "orders", "placed_at"),
    ("ix_orders_updated", "orders", "updated_at"),
    ("ix_orders_source", "orders", "source"),
    ("ix_shipments_created", "shipments", "created_at"),
    ("ix_payments_created", "payments", "created_at"),
    ("ix_customers_created", "customers", "created_at"),
    ("ix_items_created", "items", "created_at"),
)


def upgrade() -> None:
    for name, table, column in INDEXES:
        op.create_index(name, table, [column, "id"])


def downgrade() -> None:
    for name, table, _ in reversed(INDEXES):
        op.drop_index(name, table_name=table)
