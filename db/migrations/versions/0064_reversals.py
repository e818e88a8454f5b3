"""A movement may be the opposite of another one, of which there is one at most."""

import sqlalchemy as sa
from alembic import op

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("movements", sa.Column("reverses_id", sa.Uuid()))
    op.create_index(
        "uq_movements_reverses",
        "movements",
        ["reverses_id"],
        unique=True,
        postgresql_where=sa.text("reverses_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_column("movements", "reverses_id")
