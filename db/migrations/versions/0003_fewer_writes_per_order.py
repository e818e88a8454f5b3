"""fewer writes per order."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Nothing looks for events by type, and open orders are found by their status.
    op.drop_index("ix_events_type", table_name="events")
    op.drop_index("ix_orders_running", table_name="orders")
    # The balance is locked by whoever promises of it, so to check that it is there costs less than
    # the same of its item and its location, and says more.
    op.drop_constraint("fk_reservations_item_id", "reservations", type_="foreignkey")
    op.drop_constraint("fk_reservations_location_id", "reservations", type_="foreignkey")
    op.create_foreign_key(
        "fk_reservations_item_id_location_id",
        "reservations",
        "balances",
        ["item_id", "location_id"],
        ["item_id", "location_id"],
    )
    op.execute("ALTER TABLE idempotency_keys SET (vacuum_truncate = off)")


def downgrade() -> None:
    op.execute("ALTER TABLE idempotency_keys RESET (vacuum_truncate)")
    op.drop_constraint("fk_reservations_item_id_location_id", "reservations", type_="foreignkey")
    op.create_foreign_key(
        "fk_reservations_location_id", "reservations", "locations", ["location_id"], ["id"]
    )
    op.create_foreign_key("fk_reservations_item_id", "reservations", "items", ["item_id"], ["id"])
    op.create_index(
        "ix_orders_running",
        "orders",
        ["placed_at"],
        unique=False,
        postgresql_where=sa.text("status IN ('pending', 'confirmed')"),
    )
    op.create_index("ix_events_type", "events", ["type", "id"], unique=False)
