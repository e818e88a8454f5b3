"""API keys: only a hash is kept."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Row, func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from db.metadata import Base, Id


class ApiKeyRow(Base):
    """Who may call: a role, extra scopes, and for a customer whose documents."""

    __tablename__ = "api_keys"

    id: Mapped[Id]
    name: Mapped[str]
    prefix: Mapped[str]
    secret_sha256: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]
    scopes: Mapped[list[str]]
    customer_id: Mapped[UUID | None] = mapped_column(ForeignKey("customers.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


async def find_live_key(db: AsyncConnection, secret_sha256: str) -> Row[Any] | None:
    """Return the key with this hash unless it is revoked or expired."""
    return (
        await db.execute(
            select(ApiKeyRow.__table__).where(
                ApiKeyRow.secret_sha256 == secret_sha256,
                ApiKeyRow.revoked_at.is_(None),
                func.coalesce(ApiKeyRow.expires_at > func.now(), True),
            )
        )
    ).one_or_none()
