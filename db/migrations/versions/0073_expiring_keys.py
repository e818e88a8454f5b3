"""Keys of processes that end soon are found by index."""

import sqlalchemy as sa
from alembic import op

revision = "0073"
down_revision = "0072"
branch_labels = None
depends_on = None

_LASTING = "revoked_at IS NULL AND customer_id IS NULL"


def upgrade() -> None:
    op.create_index(
        "ix_api_keys_expiring",
        "api_keys",
        ["expires_at"],
        postgresql_where=sa.text(f"{_LASTING} AND expires_at IS NOT NULL"),
    )
    op.create_index("ix_api_keys_name", "api_keys", ["name"], postgresql_where=sa.text(_LASTING))


def downgrade() -> None:
    op.drop_index("ix_api_keys_name", "api_keys")
    op.drop_index("ix_api_keys_expiring", "api_keys")
