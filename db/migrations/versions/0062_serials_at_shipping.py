"""Serials of units that are only counted in stock are scanned when they leave."""

import sqlalchemy as sa
from alembic import op

revision = "0062"
down_revision = "0061"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("items", "order_lines"):
        op.add_column(
            table,
            sa.Column("serial_at_shipping", sa.Boolean(), nullable=False, server_default="false"),
        )
    op.create_check_constraint(
        op.f("ck_items_serial_at_shipping"),
        "items",
        "NOT serial_at_shipping OR tracking = 'none'",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_items_serial_at_shipping"), "items")
    for table in ("order_lines", "items"):
        op.drop_column(table, "serial_at_shipping")
