"""Lots of returned goods: which lot the units of a disposition are of."""

import sqlalchemy as sa
from alembic import op

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("return_dispositions", sa.Column("lot_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        "fk_return_dispositions_lot_id", "return_dispositions", "lots", ["lot_id"], ["id"]
    )


def downgrade() -> None:
    op.drop_column("return_dispositions", "lot_id")
