"""the task about an order for which many cards were declined."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BEFORE = (
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
)
NEW = ("fraud_review",)


def upgrade() -> None:
    _allow(BEFORE + NEW)


def downgrade() -> None:
    op.execute(f"DELETE FROM tasks WHERE kind IN ({_words(NEW)})")
    _allow(BEFORE)


def _allow(kinds: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("ck_tasks_kind"), "tasks", type_="check")
    op.create_check_constraint(op.f("ck_tasks_kind"), "tasks", f"kind IN ({_words(kinds)})")


def _words(kinds: tuple[str, ...]) -> str:
    return ", ".join(f"'{kind}'" for kind in kinds)
