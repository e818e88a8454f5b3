"""Items have a value and technicians a rate, kept by what is issued and by time that has ended."""

import sqlalchemy as sa
from alembic import op

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None

PRICED = (
    ("items", "standard_cost"),
    ("technicians", "hourly_rate"),
    ("time_entries", "hourly_rate"),
    ("movements", "unit_cost"),
)


def upgrade() -> None:
    for table, name in PRICED:
        op.add_column(table, sa.Column(f"{name}_amount", sa.BigInteger()))
        op.add_column(table, sa.Column(f"{name}_currency", sa.Text()))
        # The ledger has one writer, and is too long to be looked through under a lock.
        if table != "movements":
            op.create_check_constraint(
                op.f(f"ck_{table}_{name}"),
                table,
                f"num_nonnulls({name}_amount, {name}_currency) <> 1 AND {name}_amount >= 0",
            )


def downgrade() -> None:
    for table, name in reversed(PRICED):
        op.drop_column(table, f"{name}_currency")
        op.drop_column(table, f"{name}_amount")
