"""Holds: reasons to stop a document, set and lifted by a person or a rule."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from db.metadata import Base, Id, one_of
from domain.orders.status import HoldReason


class HoldRow(Base):
    """One reason to stop; open until released, at most one open per document and reason."""

    __tablename__ = "holds"
    __table_args__ = (
        one_of("reason", HoldReason),
        Index(
            "uq_holds_open",
            "document_id",
            "reason",
            unique=True,
            postgresql_where=text("released_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    document_type: Mapped[str]
    document_id: Mapped[UUID]
    reason: Mapped[str]
    note: Mapped[str]
    placed_by: Mapped[str]
    placed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    released_by: Mapped[str | None]
    released_at: Mapped[datetime | None]
