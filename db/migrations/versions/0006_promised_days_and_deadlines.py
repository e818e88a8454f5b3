"""promised days of arrival, and the tasks that deadlines open."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("shipments", sa.Column("promised_on", sa.Date(), nullable=True))


def downgrade() -> None:
    op.drop_column("shipments", "promised_on")
