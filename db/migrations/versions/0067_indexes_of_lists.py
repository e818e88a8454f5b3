"""Every filter of a list has an index, so that no page reads the history."""

import sqlalchemy as sa
from alembic import op

revision = "0067"
down_revision = "0066"
branch_labels = None
depends_on = None

INDEXES = (
    ("ix_customers_status", "customers", ["status", "id"], None),
    ("ix_movements_kind", "movements", ["kind", "id"], None),
    ("ix_movements_occurred", "movements", ["occurred_at", "id"], None),
    (
        "ix_reservations_status",
        "reservations",
        ["status", "id"],
        "status NOT IN ('active', 'consumed')",
    ),
    (
        "ix_return_labels_due",
        "return_labels",
        ["return_id"],
        "status = 'voiding' OR direction = 'outbound' AND status = 'pending'",
    ),
    ("ix_returns_kind", "returns", ["kind", "id"], None),
    ("ix_shipments_exception", "shipments", ["id"], "exception_reason IS NOT NULL"),
    ("ix_tasks_kind", "tasks", ["kind", "id"], None),
    ("ix_tasks_role", "tasks", ["role", "id"], None),
    ("ix_tasks_status", "tasks", ["status", "id"], None),
    ("ix_unit_events_document", "unit_events", ["document_id"], None),
    ("ix_warranties_status", "warranties", ["status", "id"], None),
    ("ix_work_orders_kind", "work_orders", ["kind", "id"], None),
)
LINES = "ix_order_lines_item"


def upgrade() -> None:
    for name, table, columns, where in INDEXES:
        only = None if where is None else sa.text(where)
        op.create_index(name, table, columns, postgresql_where=only)
    op.drop_index(LINES, "order_lines")
    op.create_index(LINES, "order_lines", ["item_id", "order_id"])


def downgrade() -> None:
    for name, table, *_ in INDEXES:
        op.drop_index(name, table)
    op.drop_index(LINES, "order_lines")
    op.create_index(LINES, "order_lines", ["item_id"])
