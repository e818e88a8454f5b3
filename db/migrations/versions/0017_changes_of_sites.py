"""sites have a version, and say when it was last counted up."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    now = sa.func.now()
    op.add_column(
        "sites",
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
    )
    op.add_column("sites", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    op.execute(
        "CREATE TRIGGER say_when_changed BEFORE UPDATE ON sites FOR EACH ROW"
        " WHEN (OLD.version IS DISTINCT FROM NEW.version) EXECUTE FUNCTION say_when_changed()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER say_when_changed ON sites")
    op.drop_column("sites", "version")
    op.drop_column("sites", "updated_at")
