"""messages and questions by document."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("document_type", sa.Text(), nullable=True))
    op.execute(
        """UPDATE outbox SET document_type = CASE workflow
            WHEN 'OrderFulfillment' THEN 'order' WHEN 'ShipmentTracking' THEN 'shipment'
            ELSE 'fact' END"""
    )
    # Written by the release before, until all of its processes are replaced.
    op.alter_column("outbox", "workflow", nullable=True)
    op.execute("ALTER TABLE orders ALTER number SET DEFAULT 'SO-' || nextval('order_numbers')")
    op.add_column("tasks", sa.Column("asker_type", sa.Text(), nullable=True))
    op.add_column("tasks", sa.Column("asker_id", sa.Uuid(), nullable=True))
    op.execute(
        """UPDATE tasks SET asker_type = 'shipment', asker_id = document_id
        WHERE kind IN ('capture_failed', 'parcel_lost', 'undeliverable')"""
    )
    op.execute(
        """UPDATE tasks t SET asker_type = 'order', asker_id = s.order_id
        FROM shipments s WHERE t.kind = 'booking_refused' AND s.id = t.document_id"""
    )


def downgrade() -> None:
    op.drop_column("tasks", "asker_id")
    op.drop_column("tasks", "asker_type")
    op.execute("ALTER TABLE orders ALTER number DROP DEFAULT")
    op.execute(
        """UPDATE outbox SET workflow = CASE document_type
            WHEN 'order' THEN 'OrderFulfillment' WHEN 'shipment' THEN 'ShipmentTracking'
            ELSE '' END WHERE workflow IS NULL"""
    )
    op.alter_column("outbox", "workflow", nullable=False)
    op.drop_column("outbox", "document_type")
