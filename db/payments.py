"""Payments and their ledger of entries."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    Row,
    UniqueConstraint,
    bindparam,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from db.metadata import Base, Id, Minor, one_of
from domain.ids import new_id
from domain.payments import Entry, EntryKind, Phase


class PaymentRow(Base):
    """One attempt of a customer to pay an order; its state follows from its entries."""

    __tablename__ = "payments"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        Index("ix_payments_order", "order_id"),
    )

    id: Mapped[Id]
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    provider: Mapped[str]
    method: Mapped[str]
    amount: Mapped[Minor]
    currency: Mapped[str]
    token: Mapped[str | None]
    """The provider's name for the card; erased once the money is authorized."""
    provider_reference: Mapped[str | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class PaymentEntryRow(Base):
    """One line of a payment's ledger; never changed, never removed."""

    __tablename__ = "payment_entries"
    __table_args__ = (
        one_of("kind", EntryKind),
        one_of("phase", Phase),
        CheckConstraint("amount > 0", name="amount"),
        UniqueConstraint("payment_id", "kind", "key", "phase"),
        Index("ix_payment_entries_key", "key"),
        Index("ix_payment_entries_shipment", "shipment_id"),
    )

    id: Mapped[Id]
    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payments.id"))
    kind: Mapped[str]
    phase: Mapped[str]
    key: Mapped[str]
    amount: Mapped[Minor]
    provider_reference: Mapped[str | None]
    shipment_id: Mapped[UUID | None] = mapped_column(ForeignKey("shipments.id"))
    failure_code: Mapped[str] = mapped_column(server_default="")
    recorded_at: Mapped[datetime] = mapped_column(server_default=func.now())


# Statements are made once: to build one anew costs the worker more than to run it.
_PAYMENTS = (
    select(PaymentRow.__table__)
    .where(PaymentRow.order_id == bindparam("order"))
    .order_by(PaymentRow.created_at, PaymentRow.id)
)
_ENTRIES = (
    select(PaymentEntryRow.__table__)
    .join(PaymentRow, PaymentRow.id == PaymentEntryRow.payment_id)
    .where(PaymentRow.order_id == bindparam("order"))
    .order_by(PaymentEntryRow.id)
)
_BY_KEY = (
    select(PaymentEntryRow.__table__, PaymentRow.order_id, PaymentRow.provider, PaymentRow.currency)
    .join(PaymentRow, PaymentRow.id == PaymentEntryRow.payment_id)
    .where(PaymentEntryRow.key == bindparam("name"))
    .order_by(PaymentEntryRow.id)
)
_RECORD = insert(PaymentEntryRow).on_conflict_do_nothing().returning(PaymentEntryRow.id)


async def payments_of(db: AsyncConnection, order_id: UUID) -> Sequence[Row[Any]]:
    """Return the order's payments, oldest first."""
    return (await db.execute(_PAYMENTS, {"order": order_id})).all()


async def payment_drawn_on(db: AsyncConnection, order_id: UUID) -> Row[Any] | None:
    """Return the payment from which the order's captures are taken: the newest authorized one."""
    payments = reversed(await payments_of(db, order_id))
    return next((row for row in payments if row.provider_reference), None)


async def entries_of(db: AsyncConnection, order_id: UUID) -> Sequence[Row[Any]]:
    """Return the entries of all payments of the order in the order of their recording."""
    return (await db.execute(_ENTRIES, {"order": order_id})).all()


def entry_of(row: Row[Any]) -> Entry:
    """Return the value of an entry's row."""
    return Entry(kind=EntryKind(row.kind), phase=Phase(row.phase), key=row.key, amount=row.amount)


async def find_by_key(db: AsyncConnection, key: str) -> Sequence[Row[Any]]:
    """Return the entries under a provider key, with their order, provider and currency."""
    return (await db.execute(_BY_KEY, {"name": key})).all()


async def record_entry(
    db: AsyncConnection,
    payment_id: UUID,
    kind: EntryKind,
    phase: Phase,
    key: str,
    amount: int,
    *,
    provider_reference: str | None = None,
    shipment_id: UUID | None = None,
    failure_code: str = "",
) -> bool:
    """Append an entry once; return whether it is new."""
    added = await db.execute(
        _RECORD,
        {
            "id": new_id(),
            "payment_id": payment_id,
            "kind": kind,
            "phase": phase,
            "key": key,
            "amount": amount,
            "provider_reference": provider_reference,
            "shipment_id": shipment_id,
            "failure_code": failure_code,
        },
    )
    return added.one_or_none() is not None


async def record_payment(
    db: AsyncConnection,
    payment_id: UUID,
    order: Row[Any],
    *,
    provider: str,
    token: str,
    actor: str,
) -> None:
    """Add a further card payment of an order's total, once per id."""
    await db.execute(
        insert(PaymentRow)
        .values(
            id=payment_id,
            order_id=order.id,
            provider=provider,
            method="card",
            amount=order.total_amount,
            currency=order.currency,
            token=token,
            created_by=actor,
        )
        .on_conflict_do_nothing()
    )


async def keep_reference(db: AsyncConnection, payment_id: UUID, reference: str) -> None:
    """Keep the provider's reference of a successful authorization and forget the card's token."""
    await db.execute(
        update(PaymentRow)
        .where(PaymentRow.id == payment_id)
        .values(provider_reference=reference, token=None)
    )
