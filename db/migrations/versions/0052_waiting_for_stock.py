"""Order lines may wait for stock: items and orders say so, and a line since when."""

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "items", sa.Column("backorderable", sa.Boolean, nullable=False, server_default="false")
    )
    op.add_column(
        "orders", sa.Column("shortage_policy", sa.Text, nullable=False, server_default="refuse")
    )
    op.create_check_constraint(
        op.f("ck_orders_shortage_policy"), "orders", "shortage_policy IN ('refuse', 'backorder')"
    )
    op.add_column(
        "orders", sa.Column("ship_complete", sa.Boolean, nullable=False, server_default="false")
    )
    op.add_column("order_lines", sa.Column("short_since", sa.DateTime(timezone=True)))
    op.create_index(
        "ix_order_lines_short",
        "order_lines",
        ["item_id"],
        postgresql_where=sa.text("short_since IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_column("order_lines", "short_since")
    op.drop_column("orders", "ship_complete")
    op.drop_column("orders", "shortage_policy")
    op.drop_column("items", "backorderable")
