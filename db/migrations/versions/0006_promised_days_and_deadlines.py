"""promised days of arrival, and the tasks that deadlines open."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
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
)
NEW = ("hold_review", "picking_late", "handover_late", "not_scanned", "stalled")


def upgrade() -> None:
    op.add_column("shipments", sa.Column("promised_on", sa.Date(), nullable=True))
    _allow(BEFORE + NEW)


def downgrade() -> None:
    op.execute(f"DELETE FROM tasks WHERE kind IN ({_words(NEW)})")
    _allow(BEFORE)
    op.drop_column("shipments", "promised_on")


def _allow(kinds: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("ck_tasks_kind"), "tasks", type_="check")
    op.create_check_constraint(op.f("ck_tasks_kind"), "tasks", f"kind IN ({_words(kinds)})")


def _words(kinds: tuple[str, ...]) -> str:
    return ", ".join(f"'{kind}'" for kind in kinds)
