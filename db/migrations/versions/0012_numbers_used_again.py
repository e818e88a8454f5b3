"""Tracking numbers are unique only while their parcel lives: carriers use them again."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "UPDATE parcels p SET status = 'voided' FROM shipments s"
        " WHERE s.id = p.shipment_id AND s.status = 'voided'"
    )
    op.create_index(
        "uq_parcels_living_number",
        "parcels",
        ["carrier", "tracking_number"],
        unique=True,
        postgresql_where=sa.text("status NOT IN ('delivered', 'returned', 'lost', 'voided')"),
    )
    op.create_index("ix_parcels_tracking_number", "parcels", ["tracking_number", "carrier"])
    op.drop_index("uq_parcels_tracking_number", table_name="parcels")


def downgrade() -> None:
    op.create_index(
        "uq_parcels_tracking_number", "parcels", ["carrier", "tracking_number"], unique=True
    )
    op.drop_index("ix_parcels_tracking_number", table_name="parcels")
    op.drop_index("uq_parcels_living_number", table_name="parcels")
