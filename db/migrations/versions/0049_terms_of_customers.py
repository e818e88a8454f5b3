"""Customers may buy on terms: within so many days, up to a credit limit."""

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "customers", sa.Column("terms_days", sa.Integer, nullable=False, server_default="0")
    )
    op.add_column("customers", sa.Column("credit_limit_amount", sa.BigInteger))
    op.add_column("customers", sa.Column("credit_limit_currency", sa.Text))
    op.create_check_constraint(
        op.f("ck_customers_terms_days"), "customers", "terms_days BETWEEN 0 AND 365"
    )
    op.create_check_constraint(
        op.f("ck_customers_credit_limit"),
        "customers",
        "(credit_limit_amount IS NULL) = (credit_limit_currency IS NULL)"
        " AND credit_limit_amount >= 0",
    )


def downgrade() -> None:
    for column in ("credit_limit_currency", "credit_limit_amount", "terms_days"):
        op.drop_column("customers", column)
