"""Claims on warranties, the returns under which their goods come in, and what replaces them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

RULES = (
    "not_owner",
    "void",
    "cancelled",
    "replaced",
    "not_started",
    "expired",
    "excluded",
    "claim_limit",
    "evidence",
    "customer_flagged",
    "value_above_limit",
    "to_be_chosen",
    "within_limit",
    "no_evidence",
    "no_fault_found",
    "person",
)
RUNNING = "status IN ('approved', 'filed', 'under_review')"
CHECKS = {
    "status": "status IN ('filed', 'under_review', 'approved', 'denied', 'settled', 'withdrawn')",
    "rule": "rule IN ({})".format(", ".join(f"'{rule}'" for rule in RULES)),
    "resolution_wanted": "resolution_wanted IN ('repair', 'replacement', 'refund')",
    "resolution": "resolution IN ('repair', 'replacement', 'refund')",
    "approved": "status <> 'approved' OR resolution IS NOT NULL",
    "replacement_timing": "replacement_timing IN ('after_inspection', 'in_advance')",
    "units": "quantity > 0 AND (unit_id IS NULL OR quantity = 1)",
    "timing": "replacement_timing = 'after_inspection' OR resolution = 'replacement'",
    "evidence_due_at": "evidence_due_at IS NULL OR status = 'under_review'",
}
REFERENCES = {
    "warranty_id": "warranties",
    "unit_id": "units",
    "customer_id": "customers",
    "order_id": "orders",
}
KINDS = ("standard", "withdrawal", "undeliverable")
STATES = ("active", "void", "cancelled")
SOURCES = ("delivery", "manual")
WITHOUT_IT = (
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
)


def upgrade() -> None:
    op.execute("CREATE SEQUENCE claim_numbers START 1001")
    number = sa.text("'CLM-' || nextval('claim_numbers')")
    op.create_table(
        "claims",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), server_default=number, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("warranty_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=True),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("failed_on", sa.Date(), nullable=False),
        sa.Column("symptom", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("evidence", JSONB(), nullable=False),
        sa.Column("resolution_wanted", sa.Text(), nullable=True),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("checks", JSONB(), nullable=False),
        _moment("evidence_due_at"),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.Column(
            "replacement_timing", sa.Text(), server_default="after_inspection", nullable=False
        ),
        sa.Column("goodwill", sa.Boolean(), server_default="false", nullable=False),
        *(
            sa.Column(name, sa.Text(), server_default="", nullable=False)
            for name in ("deny_reason", "appeal_reason", "note")
        ),
        sa.Column("filed_by", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        _now("created_at"),
        *(_moment(f"{state}_at") for state in ("approved", "denied", "settled", "withdrawn")),
        _now("updated_at"),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_claims"),
        sa.UniqueConstraint("number", name="uq_claims_number"),
        *(
            sa.CheckConstraint(condition, name=op.f(f"ck_claims_{name}"))
            for name, condition in CHECKS.items()
        ),
        *(
            sa.ForeignKeyConstraint([column], [f"{table}.id"], name=f"fk_claims_{column}")
            for column, table in REFERENCES.items()
        ),
    )
    for name, columns in (
        ("warranty", ["warranty_id", "id"]),
        ("customer", ["customer_id", "id"]),
        ("order", ["order_id", "id"]),
        ("status", ["status", "id"]),
        ("created", ["created_at", "id"]),
    ):
        op.create_index(f"ix_claims_{name}", "claims", columns)
    op.create_index("ix_claims_running", "claims", ["id"], postgresql_where=sa.text(RUNNING))
    op.create_index(
        "uq_claims_unit",
        "claims",
        ["unit_id"],
        unique=True,
        postgresql_where=sa.text(f"unit_id IS NOT NULL AND {RUNNING}"),
    )
    op.execute(
        "CREATE TRIGGER say_when_changed BEFORE UPDATE ON claims FOR EACH ROW"
        " WHEN (OLD.version IS DISTINCT FROM NEW.version) EXECUTE FUNCTION say_when_changed()"
    )
    _refer("returns", "claim_id", "claims")
    _allow("returns", "kind", (*KINDS, "warranty"))
    op.create_check_constraint(
        op.f("ck_returns_claim"), "returns", "(kind = 'warranty') = (claim_id IS NOT NULL)"
    )
    _refer("warranties", "replaces_id", "warranties")
    op.add_column("warranties", sa.Column("handed_on_until", sa.Date(), nullable=True))
    _allow("warranties", "status", (*STATES, "replaced"))
    _allow("warranties", "source", (*SOURCES, "replacement"))
    _check("warranties", "shipment", "(source = 'manual') = (shipment_id IS NULL)")
    op.create_check_constraint(
        op.f("ck_warranties_replaces"),
        "warranties",
        "(source = 'replacement') = (replaces_id IS NOT NULL)",
    )
    _key(("term_code",))
    _allow("tasks", "kind", (*WITHOUT_IT, "claim_review"))


def downgrade() -> None:
    # The release before knows no returns of this kind: where there are any, this is refused.
    op.execute("DELETE FROM tasks WHERE kind = 'claim_review'")
    _allow("tasks", "kind", WITHOUT_IT)
    _key(())
    op.drop_constraint(op.f("ck_warranties_replaces"), "warranties", type_="check")
    _check("warranties", "shipment", "(source = 'delivery') = (shipment_id IS NOT NULL)")
    _allow("warranties", "source", SOURCES)
    _allow("warranties", "status", STATES)
    op.drop_index("ix_warranties_replaces", "warranties")
    op.drop_column("warranties", "handed_on_until")
    op.drop_column("warranties", "replaces_id")
    op.drop_constraint(op.f("ck_returns_claim"), "returns", type_="check")
    _allow("returns", "kind", KINDS)
    op.drop_index("ix_returns_claim", "returns")
    op.drop_column("returns", "claim_id")
    op.drop_table("claims")
    op.execute("DROP SEQUENCE claim_numbers")


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True)


def _now(name: str) -> sa.Column[object]:
    now = sa.func.now()
    return sa.Column(name, sa.DateTime(timezone=True), server_default=now, nullable=False)


def _refer(table: str, column: str, to: str) -> None:
    """Add a column that names a row of another table, and find the few rows that do."""
    op.add_column(table, sa.Column(column, sa.Uuid(), nullable=True))
    op.create_foreign_key(f"fk_{table}_{column}", table, to, [column], ["id"])
    name = f"ix_{table}_{column.removesuffix('_id')}"
    op.create_index(name, table, [column], postgresql_where=sa.text(f"{column} IS NOT NULL"))


def _key(further: tuple[str, ...]) -> None:
    """Let a shipment register a unit, or a line, once; with ``term_code`` once by each term."""
    for name, columns, unit in (
        ("uq_warranties_delivered", ("shipment_id", "order_line_id"), "unit_id IS NULL"),
        ("uq_warranties_delivered_unit", ("shipment_id", "unit_id"), "unit_id IS NOT NULL"),
    ):
        op.drop_index(name, "warranties")
        op.create_index(
            name,
            "warranties",
            [*columns, *further],
            unique=True,
            postgresql_where=sa.text(f"shipment_id IS NOT NULL AND {unit}"),
        )


def _check(table: str, name: str, condition: str) -> None:
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)


def _allow(table: str, column: str, words: tuple[str, ...]) -> None:
    _check(table, column, "{} IN ({})".format(column, ", ".join(f"'{word}'" for word in words)))
