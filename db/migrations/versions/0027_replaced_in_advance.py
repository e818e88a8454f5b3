"""Goods that are replaced before they come back, and those that then stay away."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
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
)
NEW_TASKS = ("kept_goods",)


def upgrade() -> None:
    op.add_column(
        "returns",
        sa.Column(
            "replacement_timing", sa.Text(), server_default="after_inspection", nullable=False
        ),
    )
    op.create_check_constraint(
        op.f("ck_returns_replacement_timing"),
        "returns",
        "replacement_timing IN ('after_inspection', 'in_advance')",
    )
    op.add_column("returns", sa.Column("kept_goods", sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("ck_returns_kept_goods"), "returns", "kept_goods IN ('invoice', 'write_off')"
    )
    _allow("tasks", "kind", TASKS + NEW_TASKS)


def downgrade() -> None:
    op.execute(f"DELETE FROM tasks WHERE kind IN ({_listed(NEW_TASKS)})")
    _allow("tasks", "kind", TASKS)
    op.drop_column("returns", "kept_goods")
    op.drop_column("returns", "replacement_timing")


def _allow(table: str, column: str, words: tuple[str, ...]) -> None:
    name = op.f(f"ck_{table}_{column}")
    op.drop_constraint(name, table, type_="check")
    op.create_check_constraint(name, table, f"{column} IN ({_listed(words)})")


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"'{word}'" for word in words)
