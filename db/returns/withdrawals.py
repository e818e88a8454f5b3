"""Withdrawals and the links by which guests declare them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    ForeignKey,
    Index,
    UniqueConstraint,
    Uuid,
    bindparam,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from db.metadata import Base, Id, columns_of
from db.orders.reads import within
from db.orders.tables import OrderRow
from domain.access import EVERYTHING, Reach
from domain.errors import NotFound


class WithdrawalRow(Base):
    """What a consumer stated, and since it was confirmed its acknowledgement, word for word."""

    __tablename__ = "withdrawals"
    __table_args__ = (
        CheckConstraint(
            "num_nonnulls(confirmed_at, confirmed_by, return_id, acknowledgement) IN (0, 4)",
            name="confirmed",
        ),
        UniqueConstraint("return_id"),
        Index("ix_withdrawals_order", "order_id"),
    )

    id: Mapped[Id]
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    name: Mapped[str]
    email: Mapped[str | None]
    """Where the acknowledgement is to be sent."""
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """The goods as the statement names them: order_line_id, sku, name and quantity."""
    statement: Mapped[str]
    declared_by: Mapped[str]
    declared_at: Mapped[datetime]
    confirmed_by: Mapped[str | None]
    confirmed_at: Mapped[datetime | None]
    return_id: Mapped[UUID | None] = mapped_column(ForeignKey("returns.id"))
    acknowledgement: Mapped[str | None]


class WithdrawalLinkRow(Base):
    """A token that was mailed to a guest, of which only the hash is kept."""

    __tablename__ = "withdrawal_links"
    __table_args__ = (
        UniqueConstraint("token_sha256"),
        Index("ix_withdrawal_links_order", "order_id"),
        Index(
            "ix_withdrawal_links_unused",
            "expires_at",
            postgresql_where=text("withdrawal_id IS NULL"),
        ),
    )

    id: Mapped[Id]
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    token_sha256: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    withdrawal_id: Mapped[UUID | None] = mapped_column(ForeignKey("withdrawals.id"))
    """What was declared with it: it declares once."""
    declared: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """The request that declared it."""


class WithdrawalRead(WithdrawalRow):
    """A withdrawal with its order's number."""

    __abstract__ = True
    order_number: str


_WITHDRAWALS = select(WithdrawalRow.__table__, OrderRow.number.label("order_number")).join(
    OrderRow, OrderRow.id == WithdrawalRow.order_id
)
_NAMES = text("SELECT id, sku, name FROM order_lines WHERE id = ANY(:lines) ORDER BY position")
_NAMES = _NAMES.bindparams(bindparam("lines", type_=ARRAY(Uuid)))
_MEANT = text(
    """SELECT o.id FROM orders o JOIN customers c ON c.id = o.customer_id
    WHERE o.number = :number AND c.email = :email"""
)
_RECENT = text(
    """SELECT count(*) FROM withdrawal_links
    WHERE order_id = :order AND created_at > now() - CAST(:within AS interval)"""
)


async def get_withdrawal(
    db: AsyncConnection, withdrawal_id: UUID, reach: Reach = EVERYTHING, *, to_confirm: bool = False
) -> WithdrawalRead:
    """Return a withdrawal, locked ``to_confirm`` it; raise NotFound, also out of ``reach``."""
    query = _WITHDRAWALS.where(WithdrawalRow.id == withdrawal_id, *within(reach))
    if to_confirm:
        query = query.with_for_update(of=columns_of(WithdrawalRow))
    found = (await db.execute(query)).one_or_none()
    if found is None:
        raise NotFound(f"there is no withdrawal {withdrawal_id}")
    return cast(WithdrawalRead, found)


async def write_withdrawal(db: AsyncConnection, values: Mapping[str, Any]) -> None:
    """Write what was declared."""
    await db.execute(insert(WithdrawalRow).values(**values))


async def write_confirmation(
    db: AsyncConnection, withdrawal_id: UUID, values: Mapping[str, Any]
) -> None:
    """Write that a locked withdrawal was confirmed, with its acknowledgement."""
    row = WithdrawalRow
    await db.execute(update(columns_of(row)).where(row.id == withdrawal_id).values(**values))


async def names_of(
    db: AsyncConnection, line_ids: Collection[UUID]
) -> Mapping[UUID, tuple[str, str]]:
    """Return SKU and name of lines of orders, in the order in which they stand there."""
    rows = await db.execute(_NAMES, {"lines": list(line_ids)})
    return {row.id: (row.sku, row.name) for row in rows}


async def find_meant(db: AsyncConnection, number: str, email: str) -> UUID | None:
    """Return the order with this number whose customer has this email address."""
    found = await db.execute(_MEANT, {"number": number, "email": email})
    return found.scalar_one_or_none()


async def count_links(db: AsyncConnection, order_id: UUID, within_last: timedelta) -> int:
    """Return how many links of an order were made lately."""
    given = {"order": order_id, "within": within_last}
    return int((await db.execute(_RECENT, given)).scalar_one())


async def add_link(
    db: AsyncConnection, link_id: UUID, order_id: UUID, token_sha256: str, expires_at: datetime
) -> None:
    """Write a link by which an order may be withdrawn from."""
    await db.execute(
        insert(WithdrawalLinkRow).values(
            id=link_id, order_id=order_id, token_sha256=token_sha256, expires_at=expires_at
        )
    )


async def lock_link(db: AsyncConnection, token_sha256: str, now: datetime) -> WithdrawalLinkRow:
    """Lock and return the link with this token; raise NotFound, also once its time is over."""
    row = WithdrawalLinkRow
    query = select(row.__table__).where(row.token_sha256 == token_sha256, row.expires_at > now)
    found = (await db.execute(query.with_for_update())).one_or_none()
    if found is None:
        raise NotFound("the link is not known, or its time is over: ask for another one")
    return cast(WithdrawalLinkRow, found)


async def use_link(
    db: AsyncConnection, link_id: UUID, withdrawal_id: UUID, declared: Mapping[str, Any]
) -> None:
    """Write what was declared by a locked link, and by which request."""
    row = WithdrawalLinkRow
    values = {"withdrawal_id": withdrawal_id, "declared": declared}
    await db.execute(update(columns_of(row)).where(row.id == link_id).values(**values))


_UNUSED = "withdrawal_id IS NULL AND expires_at < now() - CAST(:kept AS interval)"
_FIND_UNUSED = text(
    f"SELECT id FROM withdrawal_links WHERE {_UNUSED} ORDER BY expires_at LIMIT :limit"
)
_DROP_UNUSED = text(
    f"""DELETE FROM withdrawal_links WHERE id IN (SELECT id FROM withdrawal_links
        WHERE id = ANY(:links) AND {_UNUSED} ORDER BY id FOR UPDATE SKIP LOCKED)"""
)


async def find_unused_links(db: AsyncConnection, limit: int, kept: timedelta) -> Sequence[UUID]:
    """Return links whose time was over long enough ago and that were not used, the oldest first."""
    return list((await db.execute(_FIND_UNUSED, {"limit": limit, "kept": kept})).scalars())


async def drop_unused_links(db: AsyncConnection, links: Sequence[UUID], kept: timedelta) -> int:
    """Forget those of the links whose time was over long enough ago; return how many."""
    return (await db.execute(_DROP_UNUSED, {"links": list(links), "kept": kept})).rowcount
