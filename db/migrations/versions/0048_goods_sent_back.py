"""Goods that were not accepted go back to the customer under labels of ours, too."""

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

LIVE = "uq_return_labels_live"
STATES = ("pending", "booked", "voiding", "voided", "refused")
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
)


def upgrade() -> None:
    op.add_column(
        "return_labels",
        sa.Column("direction", sa.Text(), server_default="inbound", nullable=False),
    )
    op.create_check_constraint(
        op.f("ck_return_labels_direction"),
        "return_labels",
        "direction IN ('inbound', 'outbound')",
    )
    _allow("return_labels", "status", (*STATES, "used"))
    op.drop_index(LIVE, "return_labels")
    op.create_index(
        LIVE,
        "return_labels",
        ["return_id", "direction"],
        unique=True,
        postgresql_where=sa.text(
            "status IN ('pending', 'booked') OR direction = 'inbound' AND status = 'voiding'"
        ),
    )
    op.create_index(
        "ix_return_labels_outbound",
        "return_labels",
        ["return_id"],
        postgresql_where=sa.text("direction = 'outbound'"),
    )
    _allow("tasks", "kind", (*WITHOUT_IT, "send_back_failed"))


def downgrade() -> None:
    # The release before takes every label for one to us: where there is one back, this is refused.
    op.drop_index("ix_return_labels_outbound", "return_labels")
    op.drop_index(LIVE, "return_labels")
    op.create_index(
        LIVE,
        "return_labels",
        ["return_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('pending', 'booked', 'voiding')"),
    )
    _allow("return_labels", "status", STATES)
    op.drop_column("return_labels", "direction")
    op.execute("DELETE FROM tasks WHERE kind = 'send_back_failed'")
    _allow("tasks", "kind", WITHOUT_IT)


def _allow(table: str, column: str, words: tuple[str, ...]) -> None:
    name = op.f(f"ck_{table}_{column}")
    op.drop_constraint(name, table, type_="check")
    listed = ", ".join(f"'{word}'" for word in words)
    op.create_check_constraint(name, table, f"{column} IN ({listed})")
