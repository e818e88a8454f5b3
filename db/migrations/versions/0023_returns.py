"""Returns: goods that come back, what arrived, and what became of it."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0023"
down_revision = "0022"
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
)
NEW_TASKS = (
    "return_review",
    "unexpected_goods",
    "finish_receiving",
    "inspection_late",
    "rejected_goods",
    "return_to_supplier",
    "return_unserved",
)
STATES = (
    "requested",
    "authorized",
    "received",
    "inspected",
    "closed",
    "rejected",
    "expired",
    "cancelled",
)
REASONS = (
    "changed_mind",
    "wrong_size",
    "not_as_described",
    "defective",
    "damaged_in_transit",
    "wrong_item",
    "missing_parts",
    "arrived_late",
    "other",
)
DISPOSITIONS = ("restock", "refurbish", "scrap", "return_to_supplier", "return_to_customer")


def upgrade() -> None:
    op.execute("CREATE SEQUENCE return_numbers START WITH 1001")
    op.create_table(
        "returns",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column(
            "number",
            sa.Text(),
            server_default=sa.text("'RMA-' || nextval('return_numbers')"),
            nullable=False,
            unique=True,
        ),
        sa.Column("order_id", sa.Uuid(), sa.ForeignKey("orders.id"), nullable=False),
        sa.Column("customer_id", sa.Uuid(), sa.ForeignKey("customers.id"), nullable=False),
        sa.Column("site_id", sa.Uuid(), sa.ForeignKey("sites.id"), nullable=False),
        sa.Column("quarantine_id", sa.Uuid(), sa.ForeignKey("locations.id"), nullable=False),
        *(_words(name) for name in ("status", "kind", "resolution_wanted")),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.Column("resolved", sa.Integer(), server_default="0", nullable=False),
        *(_words(name) for name in ("ship_back", "currency")),
        sa.Column("decision", JSONB(), nullable=False),
        _words("notes"),
        *(
            sa.Column(name, sa.Text(), server_default="", nullable=False)
            for name in ("reject_reason", "cancel_reason")
        ),
        _words("requested_by"),
        sa.Column("authorized_by", sa.Text(), nullable=True),
        _moment("ship_back_by"),
        _moment("last_received_at"),
        _moment("created_at", always=True),
        *(_moment(f"{state}_at") for state in STATES[1:]),
        _moment("updated_at", always=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        _one_of("status", STATES),
        _one_of("kind", ("standard", "withdrawal")),
        _one_of("resolution_wanted", ("refund",)),
        _one_of("resolution", ("refund", "rejected", "served_otherwise")),
        _one_of("ship_back", ("own", "none")),
        sa.CheckConstraint(
            "status <> 'closed' OR resolution IS NOT NULL AND closed_at IS NOT NULL", name="closed"
        ),
    )
    op.create_index("ix_returns_order", "returns", ["order_id", "id"])
    op.create_index("ix_returns_customer", "returns", ["customer_id", "id"])
    op.create_index("ix_returns_status", "returns", ["status", "id"])
    op.create_index("ix_returns_created", "returns", ["created_at", "id"])
    op.create_index(
        "ix_returns_running",
        "returns",
        ["id"],
        postgresql_where=sa.text("status IN ('requested', 'authorized', 'received', 'inspected')"),
    )
    op.create_table(
        "return_lines",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("return_id", sa.Uuid(), sa.ForeignKey("returns.id"), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), sa.ForeignKey("order_lines.id"), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("received", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        _words("comment"),
        sa.Column("evidence", JSONB(), nullable=False),
        sa.UniqueConstraint("return_id", "order_line_id"),
        _one_of("reason", REASONS),
        sa.CheckConstraint("quantity > 0 AND received >= 0 AND received <= quantity", name="units"),
    )
    op.create_index("ix_return_lines_order_line", "return_lines", ["order_line_id"])
    op.create_table(
        "return_dispositions",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("return_line_id", sa.Uuid(), sa.ForeignKey("return_lines.id"), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        _words("disposition"),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("location_id", sa.Uuid(), sa.ForeignKey("locations.id"), nullable=True),
        *(_words(name) for name in ("condition", "note", "inspector")),
        _moment("created_at", always=True),
        _moment("revised_at"),
        _moment("left_at"),
        _one_of("disposition", DISPOSITIONS),
        sa.CheckConstraint("quantity > 0", name="quantity"),
    )
    op.create_index("ix_return_dispositions_line", "return_dispositions", ["return_line_id"])
    op.execute(
        "CREATE TRIGGER say_when_changed BEFORE UPDATE ON returns FOR EACH ROW"
        " WHEN (OLD.version IS DISTINCT FROM NEW.version) EXECUTE FUNCTION say_when_changed()"
    )
    for name in ("coming_back", "returned"):
        op.add_column(
            "order_lines", sa.Column(name, sa.Integer(), server_default="0", nullable=False)
        )
    op.create_check_constraint(
        op.f("ck_order_lines_returned"),
        "order_lines",
        "coming_back >= 0 AND returned >= 0 AND coming_back + returned <= delivered",
    )
    op.add_column(
        "refunds", sa.Column("return_id", sa.Uuid(), sa.ForeignKey("returns.id"), nullable=True)
    )
    op.create_index(
        "ix_refunds_return",
        "refunds",
        ["return_id"],
        postgresql_where=sa.text("return_id IS NOT NULL"),
    )
    _allow("refunds", "source", ("goodwill", "return", "provider"))
    _allow("tasks", "kind", TASKS + NEW_TASKS)


def downgrade() -> None:
    op.execute(f"DELETE FROM tasks WHERE kind IN ({_listed(NEW_TASKS)})")
    _allow("tasks", "kind", TASKS)
    op.drop_column("refunds", "return_id")
    op.execute("UPDATE refunds SET source = 'goodwill' WHERE source = 'return'")
    _allow("refunds", "source", ("goodwill", "provider"))
    op.drop_column("order_lines", "returned")
    op.drop_column("order_lines", "coming_back")
    op.drop_table("return_dispositions")
    op.drop_table("return_lines")
    op.drop_table("returns")
    op.execute("DROP SEQUENCE return_numbers")


def _words(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _moment(name: str, *, always: bool = False) -> sa.Column[datetime]:
    """Return a moment: set by the database with the row, or empty until it is reached."""
    default = sa.func.now() if always else None
    timestamp = sa.DateTime(timezone=True)
    return sa.Column(name, timestamp, server_default=default, nullable=not always)


def _one_of(column: str, words: tuple[str, ...]) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} IN ({_listed(words)})", name=column)


def _allow(table: str, column: str, words: tuple[str, ...]) -> None:
    name = op.f(f"ck_{table}_{column}")
    op.drop_constraint(name, table, type_="check")
    op.create_check_constraint(name, table, f"{column} IN ({_listed(words)})")


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"'{word}'" for word in words)
