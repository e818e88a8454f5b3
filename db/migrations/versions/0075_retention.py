"""Partners' reports that were dealt with, and unused links, are found by their age."""

import sqlalchemy as sa
from alembic import op

revision = "0075"
down_revision = "0074"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_inbound_facts_done",
        "inbound_facts",
        ["applied_at"],
        postgresql_where=sa.text("state IN ('applied', 'ignored', 'task')"),
    )
    op.create_index(
        "ix_withdrawal_links_unused",
        "withdrawal_links",
        ["expires_at"],
        postgresql_where=sa.text("withdrawal_id IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_withdrawal_links_unused", "withdrawal_links")
    op.drop_index("ix_inbound_facts_done", "inbound_facts")
