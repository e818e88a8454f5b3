"""How far the books were found to be sound, and the sums of the ledgers' days that are over."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0074"
down_revision = "0073"
branch_labels = None
depends_on = None

MOMENTS = {
    "movements": "recorded_at",
    "payment_entries": "recorded_at",
    "tracking_events": "recorded_at",
    "events": "time",
}


def upgrade() -> None:
    op.add_column(
        "verifications",
        sa.Column("whole", sa.Boolean, server_default=sa.true(), nullable=False),
    )
    op.add_column("verifications", sa.Column("position", sa.BigInteger))
    op.add_column("verifications", sa.Column("since", sa.DateTime(timezone=True)))
    op.add_column("verifications", sa.Column("known", JSONB, server_default="[]", nullable=False))
    op.create_table(
        "closed_days",
        sa.Column("ledger", sa.Text, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("entries", sa.Integer, nullable=False),
        sa.Column("total", sa.Numeric, nullable=False),
        sa.Column("checksum", sa.Numeric, nullable=False),
        sa.PrimaryKeyConstraint("ledger", "day", name=op.f("pk_closed_days")),
    )
    for table, moment in MOMENTS.items():
        op.create_index(
            f"ix_{table}_{moment}",
            table,
            [moment],
            postgresql_using="brin",
            postgresql_with={"autosummarize": "on"},
        )


def downgrade() -> None:
    for table, moment in MOMENTS.items():
        op.drop_index(f"ix_{table}_{moment}", table)
    op.drop_table("closed_days")
    for column in ("known", "since", "position", "whole"):
        op.drop_column("verifications", column)
