"""Orders say when their money is taken, and lines for how many units it was at the confirmation."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

TASKS = (
    "capture_failed",
    "parcel_lost",
    "address_problem",
    "parcel_exception",
    "undeliverable",
    "unknown_code",
    "unknown_document",
    "booking_refused",
    "undo_failed",
    "payment_mismatch",
    "hold_review",
    "picking_late",
    "handover_late",
    "not_scanned",
    "stalled",
    "fraud_review",
    "unapplied_fact",
    "refund_failed",
    "unasked_refund",
    "chargeback",
    "refund_approval",
    "refund_unsettled",
    "return_review",
    "unexpected_goods",
    "finish_receiving",
    "inspection_late",
    "rejected_goods",
    "return_to_supplier",
    "return_unserved",
    "no_replacement_stock",
    "kept_goods",
    "renewal_failed",
    "withdrawal_unresolved",
    "label_refused",
)


def upgrade() -> None:
    op.add_column(
        "orders", sa.Column("capture_on", sa.Text(), nullable=False, server_default="shipment")
    )
    op.create_check_constraint(
        op.f("ck_orders_capture_on"), "orders", "capture_on IN ('shipment', 'confirmation')"
    )
    op.add_column(
        "order_lines", sa.Column("captured_units", sa.Integer(), nullable=False, server_default="0")
    )
    op.create_check_constraint(
        op.f("ck_order_lines_captured_units"),
        "order_lines",
        "captured_units >= 0 AND captured_units <= quantity",
    )
    _bound_refunds("refunded_units <= greatest(shipped, captured_units)")
    _allow((*TASKS, "capture_refused"))


def downgrade() -> None:
    op.execute("DELETE FROM tasks WHERE kind = 'capture_refused'")
    _allow(TASKS)
    _bound_refunds("refunded_units <= shipped")
    op.drop_constraint(op.f("ck_order_lines_captured_units"), "order_lines", type_="check")
    op.drop_column("order_lines", "captured_units")
    op.drop_constraint(op.f("ck_orders_capture_on"), "orders", type_="check")
    op.drop_column("orders", "capture_on")


def _bound_refunds(condition: str) -> None:
    name = op.f("ck_order_lines_refunded_units")
    op.drop_constraint(name, "order_lines", type_="check")
    op.create_check_constraint(name, "order_lines", condition)


def _allow(kinds: tuple[str, ...]) -> None:
    name = op.f("ck_tasks_kind")
    op.drop_constraint(name, "tasks", type_="check")
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.create_check_constraint(name, "tasks", f"kind IN ({listed})")
