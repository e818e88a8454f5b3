"""SKUs are compared by a key that is stored, whatever the database's locale."""

from unicodedata import normalize

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

UPDATE = sa.text("UPDATE items SET sku_key = :key WHERE id = :id")


def upgrade() -> None:
    op.add_column("items", sa.Column("sku_key", sa.Text(), nullable=True))
    db = op.get_bind()
    taken: set[str] = set()
    keys: list[dict[str, object]] = []
    for row in db.execute(sa.text("SELECT id, sku FROM items ORDER BY created_at, id")):
        # As domain.items.sku_key was when this was written.
        key = normalize("NFC", normalize("NFD", row.sku).casefold())
        if key in taken:
            key = f"{key}\x1f{row.id}"
        taken.add(key)
        keys.append({"id": row.id, "key": key})
    if keys:
        db.execute(UPDATE, keys)
    op.create_index("uq_items_sku_key", "items", ["sku_key"], unique=True)
    op.drop_index("uq_items_sku_lower", table_name="items")


def downgrade() -> None:
    op.create_index("uq_items_sku_lower", "items", [sa.literal_column("lower(sku)")], unique=True)
    op.drop_index("uq_items_sku_key", table_name="items")
    op.drop_column("items", "sku_key")
