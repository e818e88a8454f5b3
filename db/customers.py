"""Customers and their addresses."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    Index,
    Select,
    Text,
    UniqueConstraint,
    and_,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from db.metadata import Base, Id, Kept, Minor, Updated, columns_of, in_words, one_of
from domain.access import EVERYTHING, Reach
from domain.customers import (
    CreateCustomer,
    CustomerFlag,
    CustomerKind,
    CustomerStatus,
    folded_email,
)
from domain.errors import AlreadyExists, NotFound
from domain.ids import CustomerId
from domain.metadata import merge


class CustomerRow(Base):
    """Who buys; ``email`` is kept normalised (trimmed, lower case)."""

    __tablename__ = "customers"
    __table_args__ = (
        one_of("status", CustomerStatus),
        one_of("kind", CustomerKind),
        CheckConstraint(f"flags <@ ARRAY[{in_words(CustomerFlag)}]", name="flags"),
        CheckConstraint("terms_days BETWEEN 0 AND 365", name="terms_days"),
        CheckConstraint(
            "(credit_limit_amount IS NULL) = (credit_limit_currency IS NULL)"
            " AND credit_limit_amount >= 0",
            name="credit_limit",
        ),
        UniqueConstraint("source", "external_reference"),
        Index("ix_customers_created", "created_at", "id"),
        Index("ix_customers_status", "status", "id"),
        Index("ix_customers_flags", "flags", postgresql_using="gin"),
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
    flags: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    """What staff should know, in order of the words."""
    terms_days: Mapped[int] = mapped_column(server_default="0")
    """So many days after its confirmation an order on terms is to be paid; 0: none are."""
    credit_limit_amount: Mapped[Minor | None]
    """The most that orders on terms may owe together; NULL: there are none."""
    credit_limit_currency: Mapped[str | None]
    kept: Mapped[Kept] = mapped_column("metadata")
    declines: Mapped[int] = mapped_column(server_default="0")
    """Cards that were declined for its orders since ``declines_from``, a while ago at most."""
    declines_from: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[Updated]
    version: Mapped[int] = mapped_column(server_default="1")


async def get_customer(
    db: AsyncConnection, customer_id: UUID, reach: Reach = EVERYTHING, *, to_change: bool = False
) -> CustomerRow:
    """Return the customer's row, locked ``to_change`` it; raise NotFound, also out of ``reach``."""
    query = select(CustomerRow.__table__).where(CustomerRow.id == customer_id)
    found = (await db.execute(query.with_for_update() if to_change else query)).one_or_none()
    if found is None or not reach.covers(found.id, found.source):
        raise NotFound(f"there is no customer {customer_id}")
    return cast(CustomerRow, found)


async def find_statuses(
    db: AsyncConnection, customer_ids: Iterable[CustomerId]
) -> dict[CustomerId, CustomerStatus]:
    """Return the status of each customer that exists."""
    rows = await db.execute(
        select(CustomerRow.id, CustomerRow.status).where(CustomerRow.id.in_(list(customer_ids)))
    )
    return {CustomerId(row.id): CustomerStatus(row.status) for row in rows}


async def flags_of(db: AsyncConnection, customer_id: UUID) -> list[CustomerFlag]:
    """Return what staff should know of a customer."""
    found = await db.execute(select(CustomerRow.flags).where(CustomerRow.id == customer_id))
    return [CustomerFlag(flag) for flag in found.scalar_one()]


def search_customers(
    reach: Reach = EVERYTHING,
    *,
    email: str | None = None,
    status: str | None = None,
    flag: str | None = None,
) -> Select[Any]:
    """Select customers within reach, by email, status or flag if given."""
    query = select(CustomerRow.__table__)
    if reach.customer_id is not None:
        query = query.where(CustomerRow.id == reach.customer_id)
    if reach.source is not None:
        query = query.where(CustomerRow.source == reach.source)
    if email is not None:
        query = query.where(CustomerRow.email == folded_email(email))
    if status is not None:
        query = query.where(CustomerRow.status == status)
    if flag is not None:
        query = query.where(CustomerRow.flags.contains([flag]))
    return query


async def add_customer(
    db: AsyncConnection, customer_id: UUID, customer: CreateCustomer, reach: Reach = EVERYTHING
) -> CustomerRow:
    """Insert a customer and return its row.

    Raises AlreadyExists, with the id of the first one within ``reach`` if there is one.
    """
    limit = customer.credit_limit
    added = await db.execute(
        insert(CustomerRow)
        .values(
            id=customer_id,
            kind=customer.kind,
            name=customer.name,
            email=customer.email,
            phone=customer.phone,
            status=CustomerStatus.ACTIVE,
            source=customer.origin,
            external_reference=customer.external_reference,
            address=customer.address and customer.address.model_dump(),
            kept=merge({}, customer.metadata),
            terms_days=customer.terms_days,
            credit_limit_amount=limit and limit.amount,
            credit_limit_currency=limit and limit.currency,
        )
        .on_conflict_do_nothing()
        .returning(CustomerRow.__table__)
    )
    row = added.one_or_none()
    if row is not None:
        return cast(CustomerRow, row)
    # NULL is no email and no reference: it must not find the others without one.
    same = [CustomerRow.email == customer.email] if customer.email is not None else []
    if customer.external_reference is not None:
        same.append(
            and_(
                CustomerRow.source == customer.origin,
                CustomerRow.external_reference == customer.external_reference,
            )
        )
    raise await _already_exists(
        db,
        "there is a customer with this email, or this source and external_reference",
        same,
        reach,
    )


async def change_customer(
    db: AsyncConnection, customer: CustomerRow, values: Mapping[str, Any], reach: Reach
) -> CustomerRow:
    """Write columns of a locked customer and return its row.

    Raises AlreadyExists for another customer's email, with that one's id if it is within ``reach``.
    """
    changed = (
        update(columns_of(CustomerRow))
        .where(CustomerRow.id == customer.id)
        .values(version=CustomerRow.version + 1, **values)
        .returning(CustomerRow.__table__)
    )
    try:
        async with db.begin_nested():
            return cast(CustomerRow, (await db.execute(changed)).one())
    except IntegrityError as error:
        if values.get("email") is None:
            raise
        same = [CustomerRow.email == values["email"]]
        said = "there is a customer with this email"
        raise await _already_exists(db, said, same, reach) from error


async def _already_exists(
    db: AsyncConnection, said: str, same: Sequence[ColumnElement[bool]], reach: Reach
) -> AlreadyExists:
    seen = search_customers(reach).where(or_(*same)).order_by(CustomerRow.id).limit(1)
    first = (await db.execute(seen)).one_or_none()
    return AlreadyExists(said, **({} if first is None else {"id": str(first.id)}))
