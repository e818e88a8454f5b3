"""answers to refused labels: boxes, own labels, shares of reservations, notes of orders."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

UNIQUE = "uq_reservations_active"


def upgrade() -> None:
    op.add_column("orders", sa.Column("notes", sa.Text(), server_default="", nullable=False))
    op.add_column("shipments", sa.Column("heaviest_box_grams", sa.Integer(), nullable=True))
    op.add_column("shipments", sa.Column("booked_by", sa.Text(), nullable=True))
    op.add_column("reservations", sa.Column("share", sa.Text(), server_default="", nullable=False))
    _unique("line_id", "item_id", "location_id", "share")


def downgrade() -> None:
    _unique("line_id", "item_id", "location_id")
    op.drop_column("reservations", "share")
    op.drop_column("shipments", "booked_by")
    op.drop_column("shipments", "heaviest_box_grams")
    op.drop_column("orders", "notes")


def _unique(*columns: str) -> None:
    op.drop_index(UNIQUE, "reservations")
    op.create_index(
        UNIQUE, "reservations", columns, unique=True, postgresql_where=sa.text("status = 'active'")
    )
