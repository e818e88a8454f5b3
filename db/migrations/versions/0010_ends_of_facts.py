"""Facts end as a person's task, too."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

STATES = ("received", "waiting", "applied", "ignored")
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
)


def upgrade() -> None:
    _allow("inbound_facts", "state", (*STATES, "task"))
    _allow("tasks", "kind", (*KINDS, "unapplied_fact"))


def downgrade() -> None:
    op.execute("UPDATE inbound_facts SET state = 'ignored' WHERE state = 'task'")
    op.execute("DELETE FROM tasks WHERE kind = 'unapplied_fact'")
    _allow("inbound_facts", "state", STATES)
    _allow("tasks", "kind", KINDS)


def _allow(table: str, column: str, allowed: tuple[str, ...]) -> None:
    name = op.f(f"ck_{table}_{column}")
    words = ", ".join(f"'{word}'" for word in allowed)
    op.drop_constraint(name, table, type_="check")
    op.create_check_constraint(name, table, f"{column} IN ({words})")
