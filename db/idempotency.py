"""Answers remembered per caller and Idempotency-Key."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, func
from sqlalchemy.orm import Mapped, mapped_column

from db.metadata import Base, one_of


class IdempotencyRow(Base):
    """One request of one caller: what was asked, and once it succeeded, what was answered."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (
        one_of("state", ("running", "done")),
        Index("ix_idempotency_keys_created_at", "created_at"),
    )

    caller: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    route: Mapped[str]
    fingerprint: Mapped[str]
    resource_id: Mapped[UUID]
    state: Mapped[str]
    status: Mapped[int | None]
    answer: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
