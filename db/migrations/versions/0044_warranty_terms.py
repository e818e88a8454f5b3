"""Warranty terms in versions, and the term that an item is sold with."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

APPEND_ONLY = ("warranty_terms", "item_warranty_terms")


def upgrade() -> None:
    op.create_table(
        "warranty_terms",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("duration_months", sa.Integer(), nullable=True),
        sa.Column("starts", sa.Text(), nullable=False),
        sa.Column("covers", JSONB(), nullable=False),
        sa.Column("excluded_symptoms", JSONB(), nullable=False),
        sa.Column("max_claims", sa.Integer(), nullable=True),
        sa.Column("transferable", sa.Boolean(), nullable=False),
        sa.Column("replacement_rule", sa.Text(), nullable=False),
        sa.Column("minimum_days", sa.Integer(), nullable=True),
        sa.Column("settle_by", JSONB(), nullable=False),
        sa.Column("evidence_for", JSONB(), nullable=False),
        sa.Column("auto_limit_amount", sa.BigInteger(), nullable=True),
        sa.Column("auto_limit_currency", sa.Text(), nullable=True),
        sa.Column("defined_by", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_warranty_terms"),
        sa.UniqueConstraint("code", "version", name="uq_warranty_terms_code_version"),
        sa.CheckConstraint(
            "starts IN ('delivery', 'shipment', 'registration')",
            name=op.f("ck_warranty_terms_starts"),
        ),
        sa.CheckConstraint(
            "replacement_rule IN ('remaining', 'fresh', 'remaining_or_minimum')",
            name=op.f("ck_warranty_terms_replacement_rule"),
        ),
        sa.CheckConstraint(
            "duration_months > 0 AND max_claims > 0", name=op.f("ck_warranty_terms_positive")
        ),
        sa.CheckConstraint(
            "(replacement_rule = 'remaining_or_minimum') = (minimum_days IS NOT NULL)",
            name=op.f("ck_warranty_terms_minimum_days"),
        ),
        sa.CheckConstraint(
            "(auto_limit_amount IS NULL) = (auto_limit_currency IS NULL)",
            name=op.f("ck_warranty_terms_auto_limit"),
        ),
    )
    op.create_table(
        "item_warranty_terms",
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("item_id", "valid_from", name="pk_item_warranty_terms"),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name="fk_item_warranty_terms_item_id"),
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    op.drop_table("item_warranty_terms")
    op.drop_table("warranty_terms")
