"""Warranties: what was promised with delivered units, and until when."""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

CHECKS = {
    "status": "status IN ('active', 'void', 'cancelled')",
    "source": "source IN ('delivery', 'manual')",
    "units": "quantity > 0 AND cancelled BETWEEN 0 AND quantity",
    "cancelled": "(status = 'cancelled') = (cancelled = quantity)",
    "void": "(status = 'void') = (void_reason <> '')",
    "ends_on": "(ends_on IS NULL) = (duration_months IS NULL) AND ends_on >= starts_on",
    "extended_months": "extended_months >= 0"
    " AND (extended_months = 0 OR duration_months IS NOT NULL)",
    "shipment": "(source = 'delivery') = (shipment_id IS NOT NULL)",
    "one_unit": "unit_id IS NULL OR quantity = 1",
    "bought": "num_nonnulls(order_id, order_line_id) <> 1"
    " AND (order_line_id IS NOT NULL OR proof_of_purchase <> '')",
}
REFERENCES = {
    "item_id": "items",
    "customer_id": "customers",
    "order_id": "orders",
    "order_line_id": "order_lines",
    "shipment_id": "shipments",
    "term_id": "warranty_terms",
    "unit_id": "units",
}


def upgrade() -> None:
    op.execute("CREATE SEQUENCE warranty_numbers START 1001")
    number = sa.text("'WTY-' || nextval('warranty_numbers')")
    op.create_table(
        "warranties",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), server_default=number, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("order_line_id", sa.Uuid(), nullable=True),
        sa.Column("shipment_id", sa.Uuid(), nullable=True),
        sa.Column("unit_id", sa.Uuid(), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("cancelled", sa.Integer(), server_default="0", nullable=False),
        sa.Column("term_id", sa.Uuid(), nullable=False),
        sa.Column("term_code", sa.Text(), nullable=False),
        sa.Column("duration_months", sa.Integer(), nullable=True),
        sa.Column("extended_months", sa.Integer(), server_default="0", nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("proof_of_purchase", sa.Text(), server_default="", nullable=False),
        sa.Column("void_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("registered_by", sa.Text(), nullable=False),
        sa.Column("told_ends_on", sa.Date(), nullable=True),
        _moment("created_at"),
        _moment("updated_at"),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_warranties"),
        sa.UniqueConstraint("number", name="uq_warranties_number"),
        *(
            sa.CheckConstraint(condition, name=op.f(f"ck_warranties_{name}"))
            for name, condition in CHECKS.items()
        ),
        *(
            sa.ForeignKeyConstraint([column], [f"{table}.id"], name=f"fk_warranties_{column}")
            for column, table in REFERENCES.items()
        ),
    )
    for name, columns in (
        ("created", ["created_at", "id"]),
        ("customer", ["customer_id", "id"]),
        ("item", ["item_id", "id"]),
        ("order", ["order_id", "id"]),
        ("order_line", ["order_line_id"]),
        ("ends", ["ends_on", "id"]),
    ):
        op.create_index(f"ix_warranties_{name}", "warranties", columns)
    op.create_index(
        "ix_warranties_unit",
        "warranties",
        ["unit_id"],
        postgresql_where=sa.text("unit_id IS NOT NULL"),
    )
    op.create_index(
        "ix_warranties_untold",
        "warranties",
        ["ends_on"],
        postgresql_where=sa.text("status = 'active' AND told_ends_on IS DISTINCT FROM ends_on"),
    )
    for name, columns, condition in (
        (
            "uq_warranties_delivered",
            ["shipment_id", "order_line_id"],
            "shipment_id IS NOT NULL AND unit_id IS NULL",
        ),
        (
            "uq_warranties_delivered_unit",
            ["shipment_id", "unit_id"],
            "shipment_id IS NOT NULL AND unit_id IS NOT NULL",
        ),
        (
            "uq_warranties_unit_term",
            ["unit_id", "term_code"],
            "status = 'active' AND unit_id IS NOT NULL",
        ),
    ):
        op.create_index(
            name, "warranties", columns, unique=True, postgresql_where=sa.text(condition)
        )
    op.execute(
        "CREATE TRIGGER say_when_changed BEFORE UPDATE ON warranties FOR EACH ROW"
        " WHEN (OLD.version IS DISTINCT FROM NEW.version) EXECUTE FUNCTION say_when_changed()"
    )


def _moment(name: str) -> sa.Column[object]:
    now = sa.func.now()
    return sa.Column(name, sa.DateTime(timezone=True), server_default=now, nullable=False)


def downgrade() -> None:
    op.drop_table("warranties")
    op.execute("DROP SEQUENCE warranty_numbers")
