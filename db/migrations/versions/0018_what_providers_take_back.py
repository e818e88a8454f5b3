"""Payments know what providers do by themselves: chargebacks, late failures, ends of reserves."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

KINDS = ("authorization", "capture", "void", "refund")
NEW_KINDS = ("chargeback",)
PHASES = ("requested", "succeeded", "failed", "action_required")
NEW_PHASES = ("reversed",)
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
)
NEW_TASKS = ("refund_failed", "unasked_refund", "chargeback")


def upgrade() -> None:
    op.add_column(
        "payments",
        sa.Column("authorization_expires_at", sa.DateTime(timezone=True), nullable=True),
    )
    _allow("payment_entries", "kind", KINDS + NEW_KINDS)
    _allow("payment_entries", "phase", PHASES + NEW_PHASES)
    _allow("tasks", "kind", TASKS + NEW_TASKS)
    op.create_index(
        "ix_tasks_refunds_again",
        "tasks",
        ["document_id"],
        postgresql_where=sa.text("kind = 'refund_failed' AND outcome = 'retry'"),
    )


def downgrade() -> None:
    op.drop_index("ix_tasks_refunds_again", table_name="tasks")
    op.execute(f"DELETE FROM tasks WHERE kind IN ({_words(NEW_TASKS)})")
    _allow("tasks", "kind", TASKS)
    # A ledger only grows: what is in it stays, and nothing more of the kind comes in.
    _allow("payment_entries", "phase", PHASES, not_valid=True)
    _allow("payment_entries", "kind", KINDS, not_valid=True)
    op.drop_column("payments", "authorization_expires_at")


def _allow(table: str, column: str, words: tuple[str, ...], *, not_valid: bool = False) -> None:
    name = op.f(f"ck_{table}_{column}")
    op.drop_constraint(name, table, type_="check")
    allowed = f"{column} IN ({_words(words)})"
    op.create_check_constraint(name, table, allowed, postgresql_not_valid=not_valid)


def _words(words: tuple[str, ...]) -> str:
    return ", ".join(f"'{word}'" for word in words)
