"""Items may be tracked by serial: their units, and what has happened to each."""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

STATUSES = "'in_stock', 'quarantined', 'in_repair', 'sold', 'returned', 'scrapped'"
KINDS = (
    "'entered', 'removed', 'picked', 'put_back', 'sold', 'lost', 'returned', 'moved', 'sent_back'"
)


def upgrade() -> None:
    tracking = sa.Column("tracking", sa.Text(), nullable=False, server_default="none")
    op.add_column("items", tracking)
    op.create_check_constraint(op.f("ck_items_tracking"), "items", "tracking IN ('none', 'serial')")
    op.execute(
        f"""CREATE TABLE units (
        id uuid NOT NULL CONSTRAINT pk_units PRIMARY KEY,
        item_id uuid NOT NULL CONSTRAINT fk_units_item_id REFERENCES items (id),
        serial text NOT NULL,
        serial_key text NOT NULL,
        status text NOT NULL CONSTRAINT ck_units_status CHECK (status IN ({STATUSES})),
        ownership text NOT NULL CONSTRAINT ck_units_ownership
            CHECK (ownership IN ('own', 'customer')),
        location_id uuid CONSTRAINT fk_units_location_id REFERENCES locations (id),
        holder_customer_id uuid CONSTRAINT fk_units_holder_customer_id
            REFERENCES customers (id),
        order_line_id uuid CONSTRAINT fk_units_order_line_id
            REFERENCES order_lines (id),
        shipment_line_id uuid CONSTRAINT fk_units_shipment_line_id
            REFERENCES shipment_lines (id),
        created_at timestamptz NOT NULL DEFAULT now(),
        events int NOT NULL DEFAULT 0,
        CONSTRAINT ck_units_one_place CHECK (num_nonnulls(location_id, holder_customer_id) = 1),
        CONSTRAINT ck_units_holder CHECK ((status = 'sold') = (holder_customer_id IS NOT NULL)),
        CONSTRAINT uq_units_item_id_serial_key UNIQUE (item_id, serial_key))"""
    )
    op.create_index("ix_units_serial_key", "units", ["serial_key"])
    for column in ("location_id", "holder_customer_id", "order_line_id", "shipment_line_id"):
        op.create_index(
            f"ix_units_{column}",
            "units",
            [column],
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )
    op.execute(
        f"""CREATE TABLE unit_events (
        unit_id uuid NOT NULL CONSTRAINT fk_unit_events_unit_id REFERENCES units (id),
        sequence int NOT NULL,
        kind text NOT NULL CONSTRAINT ck_unit_events_kind CHECK (kind IN ({KINDS})),
        from_status text,
        to_status text NOT NULL,
        from_location_id uuid,
        to_location_id uuid,
        from_holder_id uuid,
        to_holder_id uuid,
        document_type text NOT NULL DEFAULT '',
        document_id uuid,
        line_id uuid,
        movement_id uuid,
        reason text NOT NULL DEFAULT '',
        actor text NOT NULL,
        occurred_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_unit_events PRIMARY KEY (unit_id, sequence))"""
    )
    op.execute(
        """CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON unit_events
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"""
    )


def downgrade() -> None:
    op.drop_table("unit_events")
    op.drop_table("units")
    op.drop_column("items", "tracking")
