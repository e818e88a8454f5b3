"""Customers and their addresses."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, Row, Select, UniqueConstraint, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from db.metadata import Base, Id, one_of
from domain.customers import CustomerStatus
from domain.errors import NotFound
from domain.ids import CustomerId


class CustomerRow(Base):
    """Who buys; ``email`` is kept normalised (trimmed, lower case)."""

    __tablename__ = "customers"
    __table_args__ = (
        one_of("status", CustomerStatus),
        one_of("kind", ("person", "company")),
        UniqueConstraint("source", "external_reference"),
        Index(
            "uq_customers_email", "email", unique=True, postgresql_where=text("email IS NOT NULL")
        ),
    )

    id: Mapped[Id]
    kind: Mapped[str]
    name: Mapped[str]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    status: Mapped[str]
    source: Mapped[str]
    external_reference: Mapped[str | None]
    address: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    version: Mapped[int] = mapped_column(server_default="1")


async def get_customer(db: AsyncConnection, customer_id: UUID) -> Row[Any]:
    """Return the customer's row; raise NotFound."""
    found = (
        await db.execute(select(CustomerRow.__table__).where(CustomerRow.id == customer_id))
    ).one_or_none()
    if found is None:
        raise NotFound(f"there is no customer {customer_id}")
    return found


async def find_statuses(
    db: AsyncConnection, customer_ids: Iterable[CustomerId]
) -> dict[CustomerId, CustomerStatus]:
    """Return the status of each customer that exists."""
    rows = await db.execute(
        select(CustomerRow.id, CustomerRow.status).where(CustomerRow.id.in_(list(customer_ids)))
    )
    return {CustomerId(row.id): CustomerStatus(row.status) for row in rows}


def search_customers(*, email: str | None, status: str | None) -> Select[Any]:
    """Select customers, by email or status if given."""
    query = select(CustomerRow.__table__)
    if email is not None:
        query = query.where(CustomerRow.email == email.strip().lower())
    if status is not None:
        query = query.where(CustomerRow.status == status)
    return query
