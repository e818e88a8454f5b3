"""Refunds are of lost goods and of cancelled orders, too: they name the shipment."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

SOURCES = ("goodwill", "return", "shipment", "cancellation", "provider")
OLD_SOURCES = ("goodwill", "return", "provider")


def upgrade() -> None:
    shipment = sa.Column("shipment_id", sa.Uuid(), sa.ForeignKey("shipments.id"), nullable=True)
    op.add_column("refunds", shipment)
    op.create_index(
        "ix_refunds_shipment",
        "refunds",
        ["shipment_id"],
        postgresql_where=sa.text("shipment_id IS NOT NULL"),
    )
    _change_sources(SOURCES)


def downgrade() -> None:
    op.execute(
        "UPDATE refunds SET source = 'goodwill' WHERE source IN ('shipment', 'cancellation')"
    )
    _change_sources(OLD_SOURCES)
    op.drop_index("ix_refunds_shipment", "refunds")
    op.drop_column("refunds", "shipment_id")


def _change_sources(words: tuple[str, ...]) -> None:
    name = op.f("ck_refunds_source")
    op.drop_constraint(name, "refunds", type_="check")
    listed = ", ".join(f"'{word}'" for word in words)
    op.create_check_constraint(name, "refunds", f"source IN ({listed})")
