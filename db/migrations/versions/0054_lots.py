"""Lots: items may be tracked by lot, and balances, reservations and movements name theirs."""

import sqlalchemy as sa
from alembic import op

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None

BALANCE = ["item_id", "location_id", "lot_id"]
TO_BALANCES = "fk_reservations_item_id_location_id"


def upgrade() -> None:
    _allow_tracking("'none', 'serial', 'lot'")
    op.add_column(
        "items",
        sa.Column("min_shelf_life_days", sa.Integer(), nullable=False, server_default="0"),
    )
    op.create_check_constraint(
        op.f("ck_items_min_shelf_life_days"), "items", "min_shelf_life_days >= 0"
    )
    op.execute(
        """CREATE TABLE lots (
        id uuid NOT NULL CONSTRAINT pk_lots PRIMARY KEY,
        item_id uuid NOT NULL CONSTRAINT fk_lots_item_id REFERENCES items (id),
        code text NOT NULL,
        code_key text NOT NULL,
        supplier_lot text NOT NULL DEFAULT '',
        received_on date NOT NULL,
        expires_on date,
        status text NOT NULL DEFAULT 'available' CONSTRAINT ck_lots_status
            CHECK (status IN ('available', 'quarantined', 'recalled')),
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        version int NOT NULL DEFAULT 1,
        CONSTRAINT uq_lots_item_id_code_key UNIQUE (item_id, code_key),
        CONSTRAINT uq_lots_item_id_id UNIQUE (item_id, id))"""
    )
    op.create_index("ix_lots_code_key", "lots", ["code_key"])
    op.create_index("ix_lots_expires", "lots", ["expires_on", "id"])
    op.execute(
        "CREATE TRIGGER say_when_changed BEFORE UPDATE ON lots FOR EACH ROW"
        " WHEN (OLD.version IS DISTINCT FROM NEW.version) EXECUTE FUNCTION say_when_changed()"
    )
    for table in ("balances", "reservations", "movements"):
        op.add_column(table, sa.Column("lot_id", sa.Uuid(), nullable=True))
    for table in ("balances", "movements"):
        op.create_foreign_key(
            f"fk_{table}_item_id_lot_id", table, "lots", ["item_id", "lot_id"], ["item_id", "id"]
        )
        op.create_index(
            f"ix_{table}_lot", table, ["lot_id"], postgresql_where=sa.text("lot_id IS NOT NULL")
        )
    op.drop_constraint(TO_BALANCES, "reservations", type_="foreignkey")
    op.drop_constraint("pk_balances", "balances", type_="primary")
    op.create_unique_constraint(
        "uq_balances_item_id_location_id_lot_id",
        "balances",
        BALANCE,
        postgresql_nulls_not_distinct=True,
    )
    op.create_foreign_key(f"{TO_BALANCES}_lot_id", "reservations", "balances", BALANCE, BALANCE)
    _one_active(("lot_id",))


def downgrade() -> None:
    # The release before knows one balance of an item at a location: where goods of two lots lie
    # together, this is refused.
    _one_active(())
    op.drop_constraint(f"{TO_BALANCES}_lot_id", "reservations", type_="foreignkey")
    op.drop_constraint("uq_balances_item_id_location_id_lot_id", "balances", type_="unique")
    op.create_primary_key("pk_balances", "balances", BALANCE[:2])
    op.create_foreign_key(TO_BALANCES, "reservations", "balances", BALANCE[:2], BALANCE[:2])
    for table in ("balances", "reservations", "movements"):
        op.drop_column(table, "lot_id")
    op.drop_table("lots")
    op.drop_column("items", "min_shelf_life_days")
    op.execute("UPDATE items SET tracking = 'none' WHERE tracking = 'lot'")
    _allow_tracking("'none', 'serial'")


def _one_active(further: tuple[str, ...]) -> None:
    """Let a line hold an item at a location once, or (with ``lot_id``) once of each lot."""
    op.drop_index("uq_reservations_active", "reservations")
    op.create_index(
        "uq_reservations_active",
        "reservations",
        ["line_id", *BALANCE[:2], *further, "share"],
        unique=True,
        postgresql_where=sa.text("status = 'active'"),
        postgresql_nulls_not_distinct=bool(further),
    )


def _allow_tracking(words: str) -> None:
    op.drop_constraint(op.f("ck_items_tracking"), "items", type_="check")
    op.create_check_constraint(op.f("ck_items_tracking"), "items", f"tracking IN ({words})")
