"""API keys: only a hash is kept."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Row, case, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from db.metadata import Base, Id

_LASTING = "revoked_at IS NULL AND customer_id IS NULL"


class ApiKeyRow(Base):
    """Who may call: a role, extra scopes, and for a customer whose documents."""

    __tablename__ = "api_keys"
    __table_args__ = (
        Index(
            "ix_api_keys_expiring",
            "expires_at",
            postgresql_where=text(f"{_LASTING} AND expires_at IS NOT NULL"),
        ),
        Index("ix_api_keys_name", "name", postgresql_where=text(_LASTING)),
    )

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


def hash_of(secret: str) -> str:
    """Return what is kept of a key; 32 random bytes need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


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


async def add_key(
    db: AsyncConnection,
    *,
    key_id: UUID,
    name: str,
    prefix: str,
    secret_sha256: str,
    role: str,
    scopes: Sequence[str],
    customer_id: UUID | None,
    expires_at: datetime | None,
) -> None:
    """Store a new key's hash."""
    await db.execute(
        insert(ApiKeyRow).values(
            id=key_id,
            name=name,
            prefix=prefix,
            secret_sha256=secret_sha256,
            role=role,
            scopes=list(scopes),
            customer_id=customer_id,
            expires_at=expires_at,
        )
    )


_STATE = case(
    (ApiKeyRow.revoked_at.is_not(None), "revoked"),
    (ApiKeyRow.expires_at <= func.now(), "expired"),
    else_="live",
)


async def all_keys(db: AsyncConnection) -> Sequence[Row[Any]]:
    """Return every key, newest first, with its ``state``: live, expired or revoked."""
    query = select(ApiKeyRow.__table__, _STATE.label("state")).order_by(ApiKeyRow.id.desc())
    return (await db.execute(query)).all()


# A day longer than a key lives, so that its end is told while it is felt.
_EXPIRING = text(f"""
SELECT prefix, name, role, expires_at FROM api_keys k
WHERE {_LASTING} AND expires_at IS NOT NULL
    AND expires_at BETWEEN now() - interval '1 day' AND now() + interval '30 days'
    AND NOT EXISTS (SELECT 1 FROM api_keys o WHERE o.name = k.name AND o.role = k.role
        AND o.revoked_at IS NULL AND o.customer_id IS NULL
        AND (o.expires_at IS NULL OR o.expires_at > k.expires_at))
ORDER BY expires_at LIMIT 100
""")


async def expiring_keys(db: AsyncConnection) -> Sequence[Row[Any]]:
    """Return the keys of no customer that end within thirty days and have no successor.

    A successor is a live key of the same name and role that lasts longer.
    """
    return (await db.execute(_EXPIRING)).all()


async def rename_key(db: AsyncConnection, prefix: str, name: str) -> int:
    """Give the live keys with this prefix another name; return how many there were."""
    done = await db.execute(
        update(ApiKeyRow)
        .where(ApiKeyRow.prefix == prefix, ApiKeyRow.revoked_at.is_(None))
        .values(name=name)
    )
    return done.rowcount


async def revoke_key(db: AsyncConnection, prefix: str) -> int:
    """Revoke the live keys with this prefix; return how many there were."""
    done = await db.execute(
        update(ApiKeyRow)
        .where(ApiKeyRow.prefix == prefix, ApiKeyRow.revoked_at.is_(None))
        .values(revoked_at=func.now())
    )
    return done.rowcount
