"""Work orders with their operations, parts and technicians; units that are parts of others."""

import sqlalchemy as sa
from alembic import op

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None

MADE = (
    """CREATE TABLE work_orders (
        number TEXT DEFAULT 'WO-' || nextval('work_order_numbers') NOT NULL,
        kind TEXT NOT NULL,
        return_id UUID,
        disposition_id UUID,
        customer_id UUID,
        site_id UUID NOT NULL,
        item_id UUID NOT NULL,
        unit_id UUID,
        quantity INTEGER NOT NULL,
        title TEXT NOT NULL,
        problem TEXT DEFAULT '' NOT NULL,
        cause TEXT DEFAULT '' NOT NULL,
        remedy TEXT DEFAULT '' NOT NULL,
        outcome TEXT,
        priority INTEGER DEFAULT '3' NOT NULL,
        due_on DATE,
        signoff_required BOOLEAN NOT NULL,
        start_override TEXT DEFAULT '' NOT NULL,
        from_location_id UUID,
        loops INTEGER DEFAULT '0' NOT NULL,
        cancel_reason TEXT DEFAULT '' NOT NULL,
        created_by TEXT NOT NULL,
        signed_off_by TEXT,
        created_at timestamptz DEFAULT now() NOT NULL,
        released_at timestamptz,
        in_progress_at timestamptz,
        completed_at timestamptz,
        closed_at timestamptz,
        cancelled_at timestamptz,
        id UUID NOT NULL,
        status TEXT NOT NULL,
        updated_at timestamptz DEFAULT now() NOT NULL,
        version INTEGER DEFAULT '1' NOT NULL,
        CONSTRAINT pk_work_orders PRIMARY KEY (id),
        CONSTRAINT ck_work_orders_status CHECK (status IN ('planned', 'released',
            'in_progress', 'completed', 'closed', 'cancelled')),
        CONSTRAINT ck_work_orders_kind CHECK (kind IN ('repair', 'rework', 'refurbish',
            'modification', 'inspection', 'installation')),
        CONSTRAINT ck_work_orders_outcome CHECK (outcome IN ('done', 'no_fault_found',
            'unrepairable')),
        CONSTRAINT ck_work_orders_units CHECK (quantity > 0 AND (unit_id IS NULL OR quantity
            = 1)),
        CONSTRAINT ck_work_orders_priority CHECK (priority BETWEEN 1 AND 5),
        CONSTRAINT ck_work_orders_source CHECK ((return_id IS NULL) = (disposition_id IS
            NULL)),
        CONSTRAINT ck_work_orders_outcome_of CHECK ((outcome IS NOT NULL) = (status IN
            ('completed', 'closed'))),
        CONSTRAINT uq_work_orders_number UNIQUE (number),
        CONSTRAINT fk_work_orders_return_id FOREIGN KEY(return_id) REFERENCES returns (id),
        CONSTRAINT fk_work_orders_disposition_id FOREIGN KEY(disposition_id) REFERENCES
            return_dispositions (id),
        CONSTRAINT fk_work_orders_customer_id FOREIGN KEY(customer_id) REFERENCES customers
            (id),
        CONSTRAINT fk_work_orders_site_id FOREIGN KEY(site_id) REFERENCES sites (id),
        CONSTRAINT fk_work_orders_item_id FOREIGN KEY(item_id) REFERENCES items (id),
        CONSTRAINT fk_work_orders_unit_id FOREIGN KEY(unit_id) REFERENCES units (id),
        CONSTRAINT fk_work_orders_from_location_id FOREIGN KEY(from_location_id) REFERENCES
            locations (id))""",
    "CREATE INDEX ix_work_orders_created ON work_orders (created_at, id)",
    "CREATE INDEX ix_work_orders_item ON work_orders (item_id, id)",
    "CREATE INDEX ix_work_orders_return ON work_orders (return_id) WHERE return_id IS NOT NULL",
    "CREATE INDEX ix_work_orders_status ON work_orders (status, id)",
    "CREATE INDEX ix_work_orders_unended ON work_orders (id) WHERE status IN ('completed', "
    "'in_progress', 'planned', 'released')",
    "CREATE INDEX ix_work_orders_unit ON work_orders (unit_id) WHERE unit_id IS NOT NULL",
    "CREATE UNIQUE INDEX uq_work_orders_disposition ON work_orders (disposition_id) WHERE "
    "disposition_id IS NOT NULL",
    "CREATE UNIQUE INDEX uq_work_orders_unit ON work_orders (unit_id) WHERE unit_id IS NOT "
    "NULL AND status IN ('completed', 'in_progress', 'planned', 'released')",
    """CREATE TABLE work_order_operations (
        id UUID NOT NULL,
        work_order_id UUID NOT NULL,
        position INTEGER NOT NULL,
        name TEXT NOT NULL,
        instruction TEXT NOT NULL,
        planned_minutes INTEGER NOT NULL,
        skill TEXT,
        checks JSONB NOT NULL,
        status TEXT DEFAULT 'open' NOT NULL,
        note TEXT DEFAULT '' NOT NULL,
        done_by TEXT,
        done_at timestamptz,
        CONSTRAINT pk_work_order_operations PRIMARY KEY (id),
        CONSTRAINT ck_work_order_operations_status CHECK (status IN ('open', 'done',
            'skipped')),
        CONSTRAINT ck_work_order_operations_planned_minutes CHECK (planned_minutes >= 0),
        CONSTRAINT ck_work_order_operations_done_by CHECK ((status = 'open') = (done_by IS
            NULL)),
        CONSTRAINT uq_work_order_operations_work_order_id_position UNIQUE (work_order_id,
            position),
        CONSTRAINT fk_work_order_operations_work_order_id FOREIGN KEY(work_order_id)
            REFERENCES work_orders (id))""",
    """CREATE TABLE work_order_parts (
        id UUID NOT NULL,
        work_order_id UUID NOT NULL,
        line INTEGER NOT NULL,
        item_id UUID NOT NULL,
        planned NUMERIC(20, 6) NOT NULL,
        cancelled NUMERIC(20, 6) DEFAULT '0' NOT NULL,
        issued NUMERIC(20, 6) DEFAULT '0' NOT NULL,
        returned NUMERIC(20, 6) DEFAULT '0' NOT NULL,
        position TEXT,
        CONSTRAINT pk_work_order_parts PRIMARY KEY (id),
        CONSTRAINT ck_work_order_parts_planned CHECK (planned > 0 AND cancelled >= 0 AND
            cancelled <= planned),
        CONSTRAINT ck_work_order_parts_issued CHECK (issued >= 0 AND returned >= 0 AND
            returned <= issued),
        CONSTRAINT uq_work_order_parts_work_order_id_line UNIQUE (work_order_id, line),
        CONSTRAINT fk_work_order_parts_work_order_id FOREIGN KEY(work_order_id) REFERENCES
            work_orders (id),
        CONSTRAINT fk_work_order_parts_item_id FOREIGN KEY(item_id) REFERENCES items (id))""",
    "CREATE INDEX ix_work_order_parts_item ON work_order_parts (item_id)",
    """CREATE TABLE installations (
        id UUID NOT NULL,
        parent_unit_id UUID NOT NULL,
        unit_id UUID NOT NULL,
        position TEXT NOT NULL,
        installed_by_id UUID NOT NULL,
        removed_by_id UUID,
        installed_at timestamptz DEFAULT now() NOT NULL,
        removed_at timestamptz,
        CONSTRAINT pk_installations PRIMARY KEY (id),
        CONSTRAINT fk_installations_parent_unit_id FOREIGN KEY(parent_unit_id) REFERENCES
            units (id),
        CONSTRAINT fk_installations_unit_id FOREIGN KEY(unit_id) REFERENCES units (id),
        CONSTRAINT fk_installations_installed_by_id FOREIGN KEY(installed_by_id) REFERENCES
            work_orders (id),
        CONSTRAINT fk_installations_removed_by_id FOREIGN KEY(removed_by_id) REFERENCES
            work_orders (id))""",
    "CREATE INDEX ix_installations_parent ON installations (parent_unit_id)",
    "CREATE INDEX ix_installations_unit ON installations (unit_id)",
    "CREATE UNIQUE INDEX uq_installations_position ON installations (parent_unit_id, "
    "position) WHERE removed_at IS NULL",
    "CREATE UNIQUE INDEX uq_installations_unit ON installations (unit_id) WHERE removed_at IS NULL",
    """CREATE TABLE technicians (
        id UUID NOT NULL,
        no BIGINT GENERATED BY DEFAULT AS IDENTITY,
        code TEXT NOT NULL,
        site_id UUID NOT NULL,
        subject TEXT,
        capacity_minutes INTEGER NOT NULL,
        active BOOLEAN DEFAULT true NOT NULL,
        skills JSONB NOT NULL,
        created_at timestamptz DEFAULT now() NOT NULL,
        updated_at timestamptz DEFAULT now() NOT NULL,
        version INTEGER DEFAULT '1' NOT NULL,
        CONSTRAINT pk_technicians PRIMARY KEY (id),
        CONSTRAINT ck_technicians_capacity_minutes CHECK (capacity_minutes > 0),
        CONSTRAINT uq_technicians_no UNIQUE (no),
        CONSTRAINT uq_technicians_code UNIQUE (code),
        CONSTRAINT fk_technicians_site_id FOREIGN KEY(site_id) REFERENCES sites (id))""",
    """CREATE TABLE assignments (
        id UUID NOT NULL,
        work_order_id UUID NOT NULL,
        operation_id UUID,
        technician_id UUID NOT NULL,
        technician_no BIGINT NOT NULL,
        since timestamptz NOT NULL,
        until timestamptz NOT NULL,
        assigned_by TEXT NOT NULL,
        cancelled_at timestamptz,
        CONSTRAINT pk_assignments PRIMARY KEY (id),
        CONSTRAINT ck_assignments_period CHECK (until > since),
        CONSTRAINT ex_assignments_period EXCLUDE USING gist (int8range(technician_no,
            technician_no, '[]') WITH &&, tstzrange(since, until) WITH &&) WHERE
            (cancelled_at IS NULL),
        CONSTRAINT fk_assignments_work_order_id FOREIGN KEY(work_order_id) REFERENCES
            work_orders (id),
        CONSTRAINT fk_assignments_operation_id FOREIGN KEY(operation_id) REFERENCES
            work_order_operations (id),
        CONSTRAINT fk_assignments_technician_id FOREIGN KEY(technician_id) REFERENCES
            technicians (id))""",
    "CREATE INDEX ix_assignments_technician ON assignments (technician_id, since)",
    "CREATE INDEX ix_assignments_work_order ON assignments (work_order_id)",
    """CREATE TABLE time_entries (
        id UUID NOT NULL,
        work_order_id UUID NOT NULL,
        operation_id UUID,
        technician_id UUID NOT NULL,
        technician_no BIGINT NOT NULL,
        kind TEXT NOT NULL,
        source TEXT NOT NULL,
        since timestamptz NOT NULL,
        until timestamptz,
        ended_by TEXT,
        note TEXT DEFAULT '' NOT NULL,
        parallel BOOLEAN NOT NULL,
        corrected_by_id UUID,
        recorded_by TEXT NOT NULL,
        created_at timestamptz DEFAULT now() NOT NULL,
        CONSTRAINT pk_time_entries PRIMARY KEY (id),
        CONSTRAINT ck_time_entries_kind CHECK (kind IN ('setup', 'work', 'wait', 'travel')),
        CONSTRAINT ck_time_entries_source CHECK (source IN ('timer', 'manual')),
        CONSTRAINT ck_time_entries_period CHECK (until >= since),
        CONSTRAINT ex_time_entries_period EXCLUDE USING gist (int8range(technician_no,
            technician_no, '[]') WITH &&, tstzrange(since, until) WITH &&) WHERE (NOT
            parallel AND corrected_by_id IS NULL),
        CONSTRAINT fk_time_entries_work_order_id FOREIGN KEY(work_order_id) REFERENCES
            work_orders (id),
        CONSTRAINT fk_time_entries_operation_id FOREIGN KEY(operation_id) REFERENCES
            work_order_operations (id),
        CONSTRAINT fk_time_entries_technician_id FOREIGN KEY(technician_id) REFERENCES
            technicians (id))""",
    "CREATE INDEX ix_time_entries_running ON time_entries (since) WHERE until IS NULL",
    "CREATE INDEX ix_time_entries_technician ON time_entries (technician_id, since)",
    "CREATE INDEX ix_time_entries_work_order ON time_entries (work_order_id)",
)
KINDS = (
    "capture_failed",
    "parcel_lost",
    "address_problem",
    "parcel_exception",
    "undeliverable",
    "unknown_code",
    "unknown_document",
    "booking_refused",
    "undo_failed",
    "payment_mismatch",
    "hold_review",
    "picking_late",
    "handover_late",
    "not_scanned",
    "stalled",
    "fraud_review",
    "unapplied_fact",
    "refund_failed",
    "unasked_refund",
    "chargeback",
    "refund_approval",
    "refund_unsettled",
    "return_review",
    "unexpected_goods",
    "finish_receiving",
    "inspection_late",
    "rejected_goods",
    "return_to_supplier",
    "refurbishment",
    "return_unserved",
    "no_replacement_stock",
    "kept_goods",
    "renewal_failed",
    "withdrawal_unresolved",
    "label_refused",
    "capture_refused",
    "parcel_not_received",
    "return_parcel_lost",
    "refund_stopped",
    "overpaid",
    "pay_out",
    "replacement_lost",
    "send_back_failed",
    "claim_review",
    "lot_set_aside",
)
QUESTIONS = (
    "parts_missing",
    "work_not_started",
    "work_overdue",
    "sign_off_late",
    "timer_stopped",
    "rejected_often",
    "repair_failed",
)
DISPOSITIONS = ("restock", "refurbish", "scrap", "return_to_supplier", "return_to_customer")
WANTED = ("refund", "replacement")
RESOLUTIONS = ("refund", "replacement", "rejected", "served_otherwise")
UNITS = ("in_stock", "quarantined", "in_repair", "sold", "returned", "scrapped")
EVENTS = (
    "entered",
    "removed",
    "picked",
    "put_back",
    "sold",
    "lost",
    "returned",
    "moved",
    "sent_back",
)
THEIRS_AGAIN = """UPDATE order_lines l SET returned = l.returned {sign} d.units FROM (
        SELECT x.order_line_id, sum(d.quantity) AS units FROM return_dispositions d
        JOIN return_lines x ON x.id = d.return_line_id JOIN returns r ON r.id = x.return_id
        JOIN movements m ON m.key = 'left/' || d.id AND m.kind = 'issue'
        WHERE r.claim_id IS NOT NULL AND d.disposition = 'return_to_customer'
            AND d.left_at IS NOT NULL GROUP BY 1) d
    WHERE l.id = d.order_line_id"""


def upgrade() -> None:
    op.execute("CREATE SEQUENCE work_order_numbers START 1001")
    for statement in MADE:
        op.execute(statement)
    for table in ("work_orders", "technicians"):
        op.execute(
            f"CREATE TRIGGER say_when_changed BEFORE UPDATE ON {table} FOR EACH ROW"
            " WHEN (OLD.version IS DISTINCT FROM NEW.version) EXECUTE FUNCTION say_when_changed()"
        )
    op.add_column("warranties", sa.Column("repaired_until", sa.Date(), nullable=True))
    op.add_column("units", sa.Column("parent_unit_id", sa.Uuid(), nullable=True))
    op.create_foreign_key("fk_units_parent_unit_id", "units", "units", ["parent_unit_id"], ["id"])
    op.create_index(
        "ix_units_parent_unit_id",
        "units",
        ["parent_unit_id"],
        postgresql_where=sa.text("parent_unit_id IS NOT NULL"),
    )
    op.add_column("unit_events", sa.Column("to_parent_id", sa.Uuid(), nullable=True))
    _check(
        "units",
        "one_place",
        "num_nonnulls(location_id, holder_customer_id, parent_unit_id) = 1",
    )
    op.create_check_constraint(
        op.f("ck_units_parent"),
        "units",
        "(status = 'installed') = (parent_unit_id IS NOT NULL)",
    )
    _allow("units", "status", ("in_stock", "issued", "installed", *UNITS[1:]))
    _allow("unit_events", "kind", (*EVENTS, "issued", "installed", "taken_out"))
    _allow("return_dispositions", "disposition", (*DISPOSITIONS, "repair"))
    _allow("returns", "resolution_wanted", (*WANTED, "repair"))
    _allow("returns", "resolution", ("refund", "replacement", "repair", *RESOLUTIONS[2:]))
    _allow("tasks", "kind", (*KINDS, *QUESTIONS))
    # What was only sent in for a claim, and went back, counts as its customer's again.
    op.execute(THEIRS_AGAIN.format(sign="-"))


def downgrade() -> None:
    op.execute(THEIRS_AGAIN.format(sign="+"))
    # The release before knows no such units and returns: where there are any, this is refused.
    op.execute(
        "DELETE FROM tasks WHERE kind IN ({})".format(", ".join(f"'{k}'" for k in QUESTIONS))
    )
    _allow("tasks", "kind", KINDS)
    _allow("returns", "resolution", RESOLUTIONS)
    _allow("returns", "resolution_wanted", WANTED)
    _allow("return_dispositions", "disposition", DISPOSITIONS)
    _allow("unit_events", "kind", EVENTS)
    _allow("units", "status", UNITS)
    op.drop_constraint(op.f("ck_units_parent"), "units", type_="check")
    _check("units", "one_place", "num_nonnulls(location_id, holder_customer_id) = 1")
    op.drop_column("unit_events", "to_parent_id")
    op.drop_column("warranties", "repaired_until")
    op.drop_index("ix_units_parent_unit_id", "units")
    op.drop_column("units", "parent_unit_id")
    for table in (
        "time_entries",
        "assignments",
        "technicians",
        "installations",
        "work_order_parts",
        "work_order_operations",
        "work_orders",
    ):
        op.drop_table(table)
    op.execute("DROP SEQUENCE work_order_numbers")


def _check(table: str, name: str, condition: str) -> None:
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)


def _allow(table: str, column: str, words: tuple[str, ...]) -> None:
    _check(table, column, "{} IN ({})".format(column, ", ".join(f"'{word}'" for word in words)))
