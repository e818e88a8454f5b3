"""Replacement orders: goods of returns anew, and how long a return waits for their stock."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
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
)
NEW_TASKS = ("no_replacement_stock",)


def upgrade() -> None:
    op.add_column("orders", sa.Column("kind", sa.Text(), server_default="standard", nullable=False))
    op.add_column(
        "orders",
        sa.Column("replaces_return_id", sa.Uuid(), sa.ForeignKey("returns.id"), nullable=True),
    )
    op.create_check_constraint(
        op.f("ck_orders_kind"), "orders", "kind IN ('standard', 'replacement')"
    )
    op.create_check_constraint(
        op.f("ck_orders_replacement"),
        "orders",
        "(kind = 'replacement') = (replaces_return_id IS NOT NULL)"
        " AND (kind = 'standard' OR total_amount = 0)",
    )
    op.create_index(
        "uq_orders_replaces_return",
        "orders",
        ["replaces_return_id"],
        unique=True,
        postgresql_where=sa.text("replaces_return_id IS NOT NULL"),
    )
    op.add_column(
        "returns", sa.Column("replacement_due_at", sa.DateTime(timezone=True), nullable=True)
    )
    _allow("returns", "resolution_wanted", ("refund", "replacement"))
    _allow("returns", "resolution", ("refund", "replacement", "rejected", "served_otherwise"))
    _allow("tasks", "kind", TASKS + NEW_TASKS)


def downgrade() -> None:
    op.execute(f"DELETE FROM tasks WHERE kind IN ({_listed(NEW_TASKS)})")
    _allow("tasks", "kind", TASKS)
    op.execute(
        "UPDATE returns SET resolution = 'served_otherwise' WHERE resolution = 'replacement'"
    )
    _allow("returns", "resolution", ("refund", "rejected", "served_otherwise"))
    op.execute("UPDATE returns SET resolution_wanted = 'refund'")
    _allow("returns", "resolution_wanted", ("refund",))
    op.drop_column("returns", "replacement_due_at")
    op.drop_column("orders", "replaces_return_id")
    op.drop_column("orders", "kind")


def _allow(table: str, column: str, words: tuple[str, ...]) -> None:
    name = op.f(f"ck_{table}_{column}")
    op.drop_constraint(name, table, type_="check")
    op.create_check_constraint(name, table, f"{column} IN ({_listed(words)})")


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"'{word}'" for word in words)
