"""Replacements that got lost on their way are sent once more, or their money is given back."""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

FIRST = "uq_orders_replaces_return"
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
)


def upgrade() -> None:
    op.create_table(
        "replacement_losses",
        sa.Column("shipment_id", sa.Uuid(), sa.ForeignKey("shipments.id"), primary_key=True),
        sa.Column("return_id", sa.Uuid(), sa.ForeignKey("returns.id"), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("answered_by", sa.Text(), nullable=False),
        sa.Column(
            "answered_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "answer IN ('replace', 'refund', 'write_off')",
            name=op.f("ck_replacement_losses_answer"),
        ),
        sa.CheckConstraint(
            "answer <> 'write_off' OR settled_at IS NOT NULL",
            name=op.f("ck_replacement_losses_settled"),
        ),
    )
    op.create_index("ix_replacement_losses_return", "replacement_losses", ["return_id"])
    op.create_index(
        "ix_replacement_losses_pending",
        "replacement_losses",
        ["return_id"],
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.add_column(
        "orders",
        sa.Column("replaces_shipment_id", sa.Uuid(), sa.ForeignKey("shipments.id"), nullable=True),
    )
    op.create_check_constraint(
        op.f("ck_orders_sent_again"),
        "orders",
        "replaces_shipment_id IS NULL OR replaces_return_id IS NOT NULL",
    )
    op.create_index(
        "uq_orders_replaces_shipment",
        "orders",
        ["replaces_shipment_id"],
        unique=True,
        postgresql_where=sa.text("replaces_shipment_id IS NOT NULL"),
    )
    op.drop_index(FIRST, "orders")
    op.create_index(
        FIRST,
        "orders",
        ["replaces_return_id"],
        unique=True,
        postgresql_where=sa.text("replaces_return_id IS NOT NULL AND replaces_shipment_id IS NULL"),
    )
    op.create_index(
        "ix_orders_replaces_return",
        "orders",
        ["replaces_return_id"],
        postgresql_where=sa.text("replaces_return_id IS NOT NULL"),
    )
    _allow((*WITHOUT_IT, "replacement_lost"))


def downgrade() -> None:
    # The release before knows one replacement of a return: where there are two, this is refused.
    op.drop_index("ix_orders_replaces_return", "orders")
    op.drop_index(FIRST, "orders")
    op.create_index(
        FIRST,
        "orders",
        ["replaces_return_id"],
        unique=True,
        postgresql_where=sa.text("replaces_return_id IS NOT NULL"),
    )
    op.drop_index("uq_orders_replaces_shipment", "orders")
    op.drop_column("orders", "replaces_shipment_id")
    op.drop_table("replacement_losses")
    op.execute("DELETE FROM tasks WHERE kind = 'replacement_lost'")
    _allow(WITHOUT_IT)


def _allow(words: tuple[str, ...]) -> None:
    name = op.f("ck_tasks_kind")
    op.drop_constraint(name, "tasks", type_="check")
    listed = ", ".join(f"'{word}'" for word in words)
    op.create_check_constraint(name, "tasks", f"kind IN ({listed})")
