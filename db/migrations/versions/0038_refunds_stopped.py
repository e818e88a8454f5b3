"""Finance is asked about refunds and returns that a chargeback keeps from going back."""

from alembic import op

revision = "0038"
down_revision = "0037"
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
    "capture_refused",
    "parcel_not_received",
    "return_parcel_lost",
)


def upgrade() -> None:
    _allow((*TASKS, "refund_stopped"))


def downgrade() -> None:
    op.execute("DELETE FROM tasks WHERE kind = 'refund_stopped'")
    _allow(TASKS)


def _allow(kinds: tuple[str, ...]) -> None:
    name = op.f("ck_tasks_kind")
    op.drop_constraint(name, "tasks", type_="check")
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.create_check_constraint(name, "tasks", f"kind IN ({listed})")
