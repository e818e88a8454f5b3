"""What people count; it stands, whatever is written down later of the time before it."""

import sqlalchemy as sa
from alembic import op

revision = "0068"
down_revision = "0067"
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
    "pick_shortage",
    "shortage_review",
)
IT = "count_review"
MOMENT = sa.DateTime(timezone=True)


def _allow(*kinds: str) -> None:
    op.drop_constraint(op.f("ck_tasks_kind"), "tasks", type_="check")
    words = ", ".join(f"'{kind}'" for kind in kinds)
    op.create_check_constraint(op.f("ck_tasks_kind"), "tasks", f"kind IN ({words})")


def upgrade() -> None:
    op.add_column("balances", sa.Column("counted_at", MOMENT))
    op.add_column("movements", sa.Column("balances_id", sa.Uuid()))
    op.execute("CREATE SEQUENCE count_numbers START 1001")
    op.create_table(
        "counts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "number",
            sa.Text(),
            server_default=sa.text("'CNT-' || nextval('count_numbers')"),
            nullable=False,
        ),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("counted_by", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("decided_by", sa.Text()),
        sa.Column("ended_at", MOMENT),
        sa.CheckConstraint(
            "status IN ('review', 'posted', 'discarded')", name=op.f("ck_counts_status")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_counts")),
        sa.UniqueConstraint("number", name=op.f("uq_counts_number")),
    )
    op.create_table(
        "count_lines",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("count_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("lot_id", sa.Uuid()),
        sa.Column("counted", sa.Numeric(20, 6), nullable=False),
        sa.Column("counted_at", MOMENT, nullable=False),
        sa.Column("expected", sa.Numeric(20, 6), nullable=False),
        sa.Column("posted_at", MOMENT),
        sa.CheckConstraint("counted >= 0", name=op.f("ck_count_lines_counted")),
        sa.ForeignKeyConstraint(["count_id"], ["counts.id"], name=op.f("fk_count_lines_count_id")),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_count_lines_item_id")),
        sa.ForeignKeyConstraint(
            ["location_id"], ["locations.id"], name=op.f("fk_count_lines_location_id")
        ),
        sa.ForeignKeyConstraint(
            ["item_id", "lot_id"],
            ["lots.item_id", "lots.id"],
            name=op.f("fk_count_lines_item_id_lot_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_count_lines")),
    )
    op.create_index("ix_count_lines_count", "count_lines", ["count_id", "position"])
    op.create_index(
        "uq_count_lines_posted",
        "count_lines",
        ["item_id", "location_id", "lot_id", "counted_at"],
        unique=True,
        postgresql_where=sa.text("posted_at IS NOT NULL"),
        postgresql_nulls_not_distinct=True,
    )
    _allow(*WITHOUT_IT, IT)


def downgrade() -> None:
    op.execute(f"DELETE FROM tasks WHERE kind = '{IT}'")
    _allow(*WITHOUT_IT)
    op.drop_table("count_lines")
    op.drop_table("counts")
    op.execute("DROP SEQUENCE count_numbers")
    op.drop_column("movements", "balances_id")
    op.drop_column("balances", "counted_at")
