"""Facts from outside, kept as they came, once each."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from db.metadata import Base, Id, one_of

STATES = ("received", "waiting", "applied", "ignored")


class InboundFactRow(Base):
    """A partner's webhook; ``waiting`` while what it is about does not exist yet."""

    __tablename__ = "inbound_facts"
    __table_args__ = (
        one_of("state", STATES),
        UniqueConstraint("provider", "provider_event_id"),
        Index("ix_inbound_facts_open", "received_at", postgresql_where=text("state = 'waiting'")),
    )

    id: Mapped[Id]
    provider: Mapped[str]
    provider_event_id: Mapped[str]
    payload: Mapped[dict[str, Any]]
    state: Mapped[str]
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())
    applied_at: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(server_default="")
