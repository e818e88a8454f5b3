"""Serial units come back by returns: which ones are meant, and what became of each."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

LINKS = {"return_line_id": "return_lines", "disposition_id": "return_dispositions"}


def upgrade() -> None:
    op.add_column("return_lines", sa.Column("serials", JSONB, nullable=False, server_default="[]"))
    for column, table in LINKS.items():
        name = op.f(f"fk_units_{column}")
        key = sa.ForeignKey(f"{table}.id", name=name)
        op.add_column("units", sa.Column(column, sa.Uuid(), key, nullable=True))
        op.create_index(
            f"ix_units_{column}",
            "units",
            [column],
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )


def downgrade() -> None:
    for column in LINKS:
        op.drop_column("units", column)
    op.drop_column("return_lines", "serials")
