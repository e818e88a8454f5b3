"""What support is asked about lots that are set aside, and which ones were told to expire."""

import sqlalchemy as sa
from alembic import op

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None

WITHOUT_IT = (
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
)


def upgrade() -> None:
    _allow((*WITHOUT_IT, "lot_set_aside"))
    op.add_column("lots", sa.Column("told_expires_on", sa.Date(), nullable=True))


def downgrade() -> None:
    op.execute("DELETE FROM tasks WHERE kind = 'lot_set_aside'")
    _allow(WITHOUT_IT)
    op.drop_column("lots", "told_expires_on")


def _allow(kinds: tuple[str, ...]) -> None:
    words = ", ".join(f"'{kind}'" for kind in kinds)
    op.drop_constraint(op.f("ck_tasks_kind"), "tasks", type_="check")
    op.create_check_constraint(op.f("ck_tasks_kind"), "tasks", f"kind IN ({words})")
