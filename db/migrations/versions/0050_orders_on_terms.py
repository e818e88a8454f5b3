"""Orders on terms keep their days; credit notes say what they owe less."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("orders", sa.Column("terms_days", sa.Integer))
    op.add_column(
        "orders", sa.Column("credited_amount", sa.BigInteger, nullable=False, server_default="0")
    )
    op.create_index(
        "ix_orders_terms",
        "orders",
        ["customer_id", "confirmed_at"],
        postgresql_where=sa.text("payment_method = 'net_terms'"),
    )
    op.create_table(
        "credit_notes",
        sa.Column("id", UUID(as_uuid=True), nullable=False),
        sa.Column("order_id", UUID(as_uuid=True), nullable=False),
        sa.Column("return_id", UUID(as_uuid=True)),
        sa.Column("shipment_id", UUID(as_uuid=True)),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("shipping_amount", sa.BigInteger, nullable=False),
        sa.Column("shipping_tax_amount", sa.BigInteger, nullable=False),
        sa.Column("tax_amount", sa.BigInteger, nullable=False),
        sa.Column("lines", JSONB, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()
        ),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_credit_notes_amount")),
        sa.CheckConstraint(
            "shipping_amount >= 0 AND shipping_tax_amount >= 0 AND tax_amount >= 0"
            " AND tax_amount <= amount",
            name=op.f("ck_credit_notes_amounts"),
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_credit_notes_order_id")),
        sa.ForeignKeyConstraint(
            ["return_id"], ["returns.id"], name=op.f("fk_credit_notes_return_id")
        ),
        sa.ForeignKeyConstraint(
            ["shipment_id"], ["shipments.id"], name=op.f("fk_credit_notes_shipment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_notes")),
    )
    op.create_index("ix_credit_notes_order", "credit_notes", ["order_id"])


def downgrade() -> None:
    op.drop_table("credit_notes")
    op.drop_index("ix_orders_terms", "orders")
    for column in ("credited_amount", "terms_days"):
        op.drop_column("orders", column)
