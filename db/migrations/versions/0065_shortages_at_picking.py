"""Pickers say what is missing: orders keep it until labels are back, and people are asked."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0065"
down_revision = "0064"
branch_labels = None
depends_on = None

WITHOUT_THEM = (
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
    "refurbishment",
    "return_unserved",
    "no_replacement_stock",
    "kept_goods",
    "renewal_failed",
    "withdrawal_unresolved",
    "label_refused",
    "capture_refused",
    "parcel_not_received",
    "return_parcel_lost",
    "refund_stopped",
    "overpaid",
    "pay_out",
    "replacement_lost",
    "send_back_failed",
    "claim_review",
    "lot_set_aside",
    "parts_missing",
    "work_not_started",
    "work_overdue",
    "sign_off_late",
    "timer_stopped",
    "rejected_often",
    "repair_failed",
    "backorder_review",
    "warranty_registration",
)
THEY = ("pick_shortage", "shortage_review")


def _allow(*kinds: str) -> None:
    op.drop_constraint(op.f("ck_tasks_kind"), "tasks", type_="check")
    words = ", ".join(f"'{kind}'" for kind in kinds)
    op.create_check_constraint(op.f("ck_tasks_kind"), "tasks", f"kind IN ({words})")


def upgrade() -> None:
    op.add_column("orders", sa.Column("shortages", JSONB(), nullable=True))
    _allow(*WITHOUT_THEM, *THEY)


def downgrade() -> None:
    op.execute(f"DELETE FROM tasks WHERE kind IN {THEY}")
    _allow(*WITHOUT_THEM)
    op.drop_column("orders", "shortages")
