"""Returns keep the window that goods came back in, their declared state, and ask about repairs."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
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
)
CONDITIONS = ("new", "opened", "used", "damaged")


def upgrade() -> None:
    # Of older returns, and of those that the release before still opens, none of it is known.
    op.add_column("return_lines", sa.Column("window_days", sa.Integer(), nullable=True))
    op.add_column("return_lines", sa.Column("window_until", sa.Date(), nullable=True))
    op.add_column("return_lines", sa.Column("condition_declared", sa.Text(), nullable=True))
    op.create_check_constraint(
        "condition_declared", "return_lines", f"condition_declared IN ({_listed(CONDITIONS)})"
    )
    _allow(TASKS)


def downgrade() -> None:
    op.execute("DELETE FROM tasks WHERE kind = 'refurbishment'")
    _allow(tuple(kind for kind in TASKS if kind != "refurbishment"))
    op.drop_constraint(op.f("ck_return_lines_condition_declared"), "return_lines", type_="check")
    for column in ("condition_declared", "window_until", "window_days"):
        op.drop_column("return_lines", column)


def _allow(kinds: tuple[str, ...]) -> None:
    name = op.f("ck_tasks_kind")
    op.drop_constraint(name, "tasks", type_="check")
    op.create_check_constraint(name, "tasks", f"kind IN ({_listed(kinds)})")


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"'{word}'" for word in words)
