"""Withdrawals: what consumers declare and confirm, and the links by which guests do."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0031"
down_revision = "0030"
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
)
NEW_TASK = "withdrawal_unresolved"


def upgrade() -> None:
    op.create_table(
        "withdrawals",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("order_id", sa.Uuid(), sa.ForeignKey("orders.id"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("lines", JSONB(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("declared_by", sa.Text(), nullable=False),
        sa.Column("declared_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_by", sa.Text(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("return_id", sa.Uuid(), sa.ForeignKey("returns.id"), nullable=True),
        sa.Column("acknowledgement", sa.Text(), nullable=True),
        sa.UniqueConstraint("return_id"),
        sa.CheckConstraint(
            "num_nonnulls(confirmed_at, confirmed_by, return_id, acknowledgement) IN (0, 4)",
            name="confirmed",
        ),
    )
    op.create_index("ix_withdrawals_order", "withdrawals", ["order_id"])
    op.create_table(
        "withdrawal_links",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("order_id", sa.Uuid(), sa.ForeignKey("orders.id"), nullable=False),
        sa.Column("token_sha256", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.func.now(),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawal_id", sa.Uuid(), sa.ForeignKey("withdrawals.id"), nullable=True),
        sa.Column("declared", JSONB(), nullable=True),
        sa.UniqueConstraint("token_sha256"),
    )
    op.create_index("ix_withdrawal_links_order", "withdrawal_links", ["order_id"])
    _allow((*TASKS, NEW_TASK))


def downgrade() -> None:
    op.execute(f"DELETE FROM tasks WHERE kind = '{NEW_TASK}'")
    _allow(TASKS)
    op.drop_table("withdrawal_links")
    op.drop_table("withdrawals")


def _allow(kinds: tuple[str, ...]) -> None:
    name = op.f("ck_tasks_kind")
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.drop_constraint(name, "tasks", type_="check")
    op.create_check_constraint(name, "tasks", f"kind IN ({listed})")
