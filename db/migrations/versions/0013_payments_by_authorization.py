"""payments are found by the provider's name for their authorization."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_payments_provider_reference",
        "payments",
        ["provider_reference"],
        postgresql_where=sa.text("provider_reference IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_payments_provider_reference", table_name="payments")
