"""Customers have flags: what staff should know of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "customers", sa.Column("flags", ARRAY(sa.Text), nullable=False, server_default="{}")
    )
    op.create_check_constraint(
        op.f("ck_customers_flags"), "customers", "flags <@ ARRAY['fraud', 'serial_returner', 'vip']"
    )
    op.create_index("ix_customers_flags", "customers", ["flags"], postgresql_using="gin")


def downgrade() -> None:
    op.drop_column("customers", "flags")
