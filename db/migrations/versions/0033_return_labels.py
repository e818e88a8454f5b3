"""Labels under which goods come back: bought at a carrier, tracked as parcels are."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0033"
down_revision = "0032"
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
    "withdrawal_unresolved",
)
STATES = ("pending", "booked", "voiding", "voided", "refused")


def upgrade() -> None:
    op.create_table(
        "return_labels",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("return_id", sa.Uuid(), sa.ForeignKey("returns.id"), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("ship_from", JSONB(), nullable=False),
        sa.Column("ship_to", JSONB(), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=True),
        sa.Column("booking_reference", sa.Text(), nullable=True),
        sa.Column("label_amount", sa.BigInteger(), nullable=True),
        sa.Column("label_currency", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.func.now(),
            nullable=False,
        ),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(f"status IN ({_listed(STATES)})", name="status"),
        sa.CheckConstraint(
            "status <> 'booked' OR booking_reference IS NOT NULL AND carrier IS NOT NULL"
            " AND booked_at IS NOT NULL",
            name="booked",
        ),
    )
    op.create_index(
        "uq_return_labels_live",
        "return_labels",
        ["return_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('pending', 'booked', 'voiding')"),
    )
    op.create_index("ix_return_labels_return", "return_labels", ["return_id", "id"])
    op.add_column("returns", sa.Column("ship_back_extended_at", sa.DateTime(timezone=True)))
    op.alter_column("parcels", "shipment_id", nullable=True)
    op.add_column("parcels", sa.Column("label_url", sa.Text()))
    op.add_column(
        "parcels",
        sa.Column("return_label_id", sa.Uuid(), sa.ForeignKey("return_labels.id")),
    )
    op.create_check_constraint(
        op.f("ck_parcels_belongs"), "parcels", "num_nonnulls(shipment_id, return_label_id) = 1"
    )
    op.create_index(
        "ix_parcels_return_label",
        "parcels",
        ["return_label_id"],
        postgresql_where=sa.text("return_label_id IS NOT NULL"),
    )
    _allow("returns", "ship_back", ("label", "own", "none"))
    _allow("tasks", "kind", (*TASKS, "label_refused"))


def downgrade() -> None:
    op.execute("DELETE FROM tasks WHERE kind = 'label_refused'")
    _allow("tasks", "kind", TASKS)
    op.execute("UPDATE returns SET ship_back = 'own' WHERE ship_back = 'label'")
    _allow("returns", "ship_back", ("own", "none"))
    # What was scanned of such parcels has no place in the tables of before.
    op.execute("ALTER TABLE tracking_events DISABLE TRIGGER USER")
    op.execute(
        "DELETE FROM tracking_events WHERE parcel_id IN (SELECT id FROM parcels"
        " WHERE return_label_id IS NOT NULL)"
    )
    op.execute("ALTER TABLE tracking_events ENABLE TRIGGER USER")
    op.execute("DELETE FROM parcels WHERE return_label_id IS NOT NULL")
    op.drop_column("parcels", "return_label_id")
    op.drop_column("parcels", "label_url")
    op.alter_column("parcels", "shipment_id", nullable=False)
    op.drop_column("returns", "ship_back_extended_at")
    op.drop_table("return_labels")


def _allow(table: str, column: str, words: tuple[str, ...]) -> None:
    name = op.f(f"ck_{table}_{column}")
    op.drop_constraint(name, table, type_="check")
    op.create_check_constraint(name, table, f"{column} IN ({_listed(words)})")


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"'{word}'" for word in words)
