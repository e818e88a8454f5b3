"""A payment may renew the authorization of another one; what cannot be renewed is a question."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

NEW_TASK = "renewal_failed"
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
)


def upgrade() -> None:
    op.add_column(
        "payments", sa.Column("renews", sa.Uuid(), sa.ForeignKey("payments.id"), nullable=True)
    )
    op.create_index(
        "uq_payments_renews",
        "payments",
        ["renews"],
        unique=True,
        postgresql_where=sa.text("renews IS NOT NULL"),
    )
    op.create_index(
        "ix_payments_end",
        "payments",
        ["authorization_expires_at"],
        postgresql_where=sa.text("authorization_expires_at IS NOT NULL"),
    )
    _allow((*TASKS, NEW_TASK))


def downgrade() -> None:
    op.execute(f"DELETE FROM tasks WHERE kind = '{NEW_TASK}'")
    _allow(TASKS)
    op.drop_column("payments", "renews")
    op.drop_index("ix_payments_end", "payments")


def _allow(words: tuple[str, ...]) -> None:
    name = op.f("ck_tasks_kind")
    listed = ", ".join(f"'{word}'" for word in words)
    op.drop_constraint(name, "tasks", type_="check")
    op.create_check_constraint(name, "tasks", f"kind IN ({listed})")
