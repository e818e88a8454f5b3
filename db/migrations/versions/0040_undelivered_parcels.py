"""Returns that parcels open which come back undelivered; runs of such parcels look again."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

KINDS = ("standard", "withdrawal")
WAYS = ("label", "own", "none")
REASONS = (
    "changed_mind",
    "wrong_size",
    "not_as_described",
    "defective",
    "damaged_in_transit",
    "wrong_item",
    "missing_parts",
    "arrived_late",
)
ANSWERS = ("refund", "refund_with_postage", "resend", "write_off")
COUNTERS = "ck_order_lines_returned"


def upgrade() -> None:
    op.add_column(
        "order_lines", sa.Column("undelivered", sa.Integer(), server_default="0", nullable=False)
    )
    op.drop_constraint(op.f(COUNTERS), "order_lines", type_="check")
    op.create_check_constraint(
        op.f(COUNTERS),
        "order_lines",
        "coming_back >= 0 AND returned >= 0 AND undelivered >= 0"
        " AND undelivered <= coming_back + returned AND undelivered <= written_off"
        " AND coming_back + returned - undelivered <= delivered",
    )
    op.add_column(
        "returns", sa.Column("shipment_id", sa.Uuid(), sa.ForeignKey("shipments.id"), nullable=True)
    )
    op.add_column("returns", sa.Column("parcel_answer", sa.Text(), nullable=True))
    op.add_column("returns", sa.Column("parcel_answered_by", sa.Text(), nullable=True))
    op.add_column("returns", sa.Column("resend_to", JSONB(), nullable=True))
    op.create_check_constraint(
        op.f("ck_returns_parcel_answer"), "returns", f"parcel_answer IN ({_listed(ANSWERS)})"
    )
    op.create_check_constraint(
        op.f("ck_returns_shipment"),
        "returns",
        "(kind = 'undeliverable') = (shipment_id IS NOT NULL)",
    )
    op.create_index(
        "uq_returns_shipment",
        "returns",
        ["shipment_id"],
        unique=True,
        postgresql_where=sa.text("shipment_id IS NOT NULL"),
    )
    _allow("returns", "kind", (*KINDS, "undeliverable"))
    _allow("returns", "ship_back", ("label", "own", "carrier", "none"))
    _allow("return_lines", "reason", (*REASONS, "undeliverable", "other"))
    # The release before asked about such a parcel, and opened no return.
    op.execute(
        "INSERT INTO outbox (kind, document_type, document_id, payload)"
        " SELECT 'signal', 'shipment', id, jsonb_build_object('signal', 'carrier_reported')"
        " FROM shipments WHERE status = 'returned' AND settled_at IS NULL"
    )


def downgrade() -> None:
    # The release before has no words for such a return: where there is one, this is refused.
    _allow("return_lines", "reason", (*REASONS, "other"))
    _allow("returns", "ship_back", WAYS)
    _allow("returns", "kind", KINDS)
    op.drop_index("uq_returns_shipment", "returns")
    op.drop_constraint(op.f("ck_returns_shipment"), "returns", type_="check")
    op.drop_constraint(op.f("ck_returns_parcel_answer"), "returns", type_="check")
    for column in ("resend_to", "parcel_answered_by", "parcel_answer", "shipment_id"):
        op.drop_column("returns", column)
    op.drop_constraint(op.f(COUNTERS), "order_lines", type_="check")
    op.drop_column("order_lines", "undelivered")
    op.create_check_constraint(
        op.f(COUNTERS),
        "order_lines",
        "coming_back >= 0 AND returned >= 0 AND coming_back + returned <= delivered",
    )


def _allow(table: str, column: str, words: tuple[str, ...]) -> None:
    name = op.f(f"ck_{table}_{column}")
    op.drop_constraint(name, table, type_="check")
    op.create_check_constraint(name, table, f"{column} IN ({_listed(words)})")


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"'{word}'" for word in words)
