"""Refunds are documents of their own, which a payment's entries name."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0018"
branch_labels = None
depends_on = None

STATES = ("requested", "approved", "submitted", "succeeded", "failed", "cancelled")
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
)
NEW_TASKS = ("refund_approval", "refund_unsettled")


def upgrade() -> None:
    op.execute("CREATE SEQUENCE refund_numbers START WITH 1001")
    op.create_table(
        "refunds",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column(
            "number",
            sa.Text(),
            server_default=sa.text("'REF-' || nextval('refund_numbers')"),
            nullable=False,
            unique=True,
        ),
        sa.Column("order_id", sa.Uuid(), sa.ForeignKey("orders.id"), nullable=False),
        sa.Column("payment_id", sa.Uuid(), sa.ForeignKey("payments.id"), nullable=False),
        sa.Column("parent_id", sa.Uuid(), sa.ForeignKey("refunds.id"), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        *(
            sa.Column(f"{part}amount", sa.BigInteger(), nullable=False)
            for part in ("", "shipping_", "shipping_tax_", "goodwill_", "goodwill_tax_", "tax_")
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("provider_reference", sa.Text(), nullable=True),
        *(
            sa.Column(name, sa.Text(), server_default="", nullable=False)
            for name in ("failure_code", "failure_message", "cancel_reason")
        ),
        _moment("created_at", always=True),
        *(
            _moment(f"{state}_at")
            for state in ("approved", "submitted", "succeeded", "failed", "cancelled")
        ),
        _moment("updated_at", always=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(f"status IN ({_words(STATES)})", name="status"),
        sa.CheckConstraint("source IN ('goodwill', 'provider')", name="source"),
        sa.CheckConstraint("amount > 0", name="amount"),
        sa.CheckConstraint(
            "shipping_amount >= 0 AND goodwill_amount >= 0 AND tax_amount >= 0"
            " AND shipping_amount + goodwill_amount <= amount AND tax_amount <= amount",
            name="amounts",
        ),
    )
    op.create_index("ix_refunds_order", "refunds", ["order_id", "id"])
    op.create_index("ix_refunds_payment", "refunds", ["payment_id"])
    op.create_index("ix_refunds_status", "refunds", ["status", "id"])
    op.create_index("ix_refunds_created", "refunds", ["created_at", "id"])
    op.create_index(
        "ix_refunds_running",
        "refunds",
        ["id"],
        postgresql_where=sa.text("status IN ('requested', 'approved', 'submitted', 'failed')"),
    )
    op.create_table(
        "refund_lines",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("refund_id", sa.Uuid(), sa.ForeignKey("refunds.id"), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), sa.ForeignKey("order_lines.id"), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("tax_amount", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("refund_id", "order_line_id"),
        sa.CheckConstraint("units >= 0 AND amount >= 0 AND tax_amount >= 0", name="amounts"),
    )
    op.create_index("ix_refund_lines_order_line", "refund_lines", ["order_line_id"])
    op.execute(
        "CREATE TRIGGER say_when_changed BEFORE UPDATE ON refunds FOR EACH ROW"
        " WHEN (OLD.version IS DISTINCT FROM NEW.version) EXECUTE FUNCTION say_when_changed()"
    )
    op.add_column(
        "payment_entries",
        sa.Column("refund_id", sa.Uuid(), sa.ForeignKey("refunds.id"), nullable=True),
    )
    _allow(TASKS + NEW_TASKS)


def downgrade() -> None:
    op.execute(f"DELETE FROM tasks WHERE kind IN ({_words(NEW_TASKS)})")
    _allow(TASKS)
    op.drop_column("payment_entries", "refund_id")
    op.drop_table("refund_lines")
    op.drop_table("refunds")
    op.execute("DROP SEQUENCE refund_numbers")


def _moment(name: str, *, always: bool = False) -> sa.Column[datetime]:
    """Return a moment: set by the database with the row, or empty until it is reached."""
    default = sa.func.now() if always else None
    timestamp = sa.DateTime(timezone=True)
    return sa.Column(name, timestamp, server_default=default, nullable=not always)


def _allow(words: tuple[str, ...]) -> None:
    name = op.f("ck_tasks_kind")
    op.drop_constraint(name, "tasks", type_="check")
    op.create_check_constraint(name, "tasks", f"kind IN ({_words(words)})")


def _words(words: tuple[str, ...]) -> str:
    return ", ".join(f"'{word}'" for word in words)
