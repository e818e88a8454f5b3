"""Stock is held by hand for a reference, until it is let go or a moment has come."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0066"
down_revision = "0065"
branch_labels = None
depends_on = None

COLUMNS: dict[str, sa.types.TypeEngine[Any]] = {
    "reference": sa.Text(),
    "expires_at": sa.DateTime(timezone=True),
    "source": sa.Text(),
    "reserved_by": sa.Text(),
}


def upgrade() -> None:
    for name, kind in COLUMNS.items():
        op.add_column("reservations", sa.Column(name, kind, nullable=True))
    op.create_index(
        "ix_reservations_expiry",
        "reservations",
        ["expires_at"],
        postgresql_where=sa.text("status = 'active' AND expires_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_reservations_expiry", "reservations")
    for name in COLUMNS:
        op.drop_column("reservations", name)
