"""Goods of returns that arrive and are not received, or get lost on their way."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
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
)
NEW_TASKS = ("parcel_not_received", "return_parcel_lost")


def upgrade() -> None:
    _allow(*TASKS, *NEW_TASKS)
    op.add_column(
        "return_dispositions",
        sa.Column("came", sa.Boolean(), server_default=sa.true(), nullable=False),
    )
    # What stays with the customer never came, either.
    op.execute(
        "UPDATE return_dispositions d SET came = false FROM return_lines x"
        " JOIN returns r ON r.id = x.return_id"
        " WHERE x.id = d.return_line_id AND r.ship_back = 'none'"
    )
    op.create_check_constraint(
        op.f("ck_return_dispositions_came"),
        "return_dispositions",
        "came OR disposition = 'scrap' AND location_id IS NULL",
    )
    op.create_index(
        "ix_return_dispositions_lost",
        "return_dispositions",
        ["return_line_id"],
        postgresql_where=sa.text("NOT came AND revised_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_return_dispositions_lost", "return_dispositions")
    op.drop_column("return_dispositions", "came")
    op.execute("DELETE FROM tasks WHERE kind IN ('parcel_not_received', 'return_parcel_lost')")
    _allow(*TASKS)


def _allow(*words: str) -> None:
    name = op.f("ck_tasks_kind")
    op.drop_constraint(name, "tasks", type_="check")
    listed = ", ".join(f"'{word}'" for word in words)
    op.create_check_constraint(name, "tasks", f"kind IN ({listed})")
