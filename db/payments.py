"""Payments and their ledger of entries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple, cast
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    UniqueConstraint,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from db.events import ADD_EVENTS, Event, to_add
from db.metadata import Base, Id, Minor, one_of
from db.orders.tables import OrderRow
from domain.ids import new_id
from domain.payments import Entry, EntryKind, Phase


class PaymentRow(Base):
    """One attempt of a customer to pay an order; its state follows from its entries."""

    __tablename__ = "payments"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        Index("ix_payments_order", "order_id"),
        Index("ix_payments_created", "created_at", "id"),
        Index(
            "ix_payments_provider_reference",
            "provider_reference",
            postgresql_where=text("provider_reference IS NOT NULL"),
        ),
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
    failure_message: Mapped[str] = mapped_column(server_default="")
    """What the provider says of a failure, in words for people."""
    recorded_at: Mapped[datetime] = mapped_column(server_default=func.now())


class LedgerEntry(NamedTuple):
    """An entry of one of an order's payments."""

    id: str
    payment_id: UUID
    value: Entry


@dataclass(frozen=True)
class Ledger:
    """The payments of an order, oldest first, and their entries in the order of recording."""

    payments: tuple[PaymentRow, ...]
    entries: tuple[LedgerEntry, ...]

    @property
    def values(self) -> list[Entry]:
        """The entries of all payments."""
        return [entry.value for entry in self.entries]

    def of(self, payment_id: UUID) -> list[Entry]:
        """Return the entries of one payment."""
        return [entry.value for entry in self.entries if entry.payment_id == payment_id]

    @property
    def untried(self) -> bool:
        """Whether the newest payment waits to be sent to the provider for the first time."""
        return bool(self.payments) and not self.of(self.payments[-1].id)

    @property
    def drawn_on(self) -> PaymentRow | None:
        """The payment from which captures are taken: the newest authorized one."""
        return next((row for row in reversed(self.payments) if row.provider_reference), None)


class KnownEntry(NamedTuple):
    """An entry under a provider's key, with what its payment is about."""

    kind: EntryKind
    phase: Phase
    key: str
    amount: int
    currency: str
    payment_id: UUID
    shipment_id: UUID | None
    order_id: UUID
    provider: str


ENTRY = "jsonb_build_array(e.id, e.kind, e.phase, e.key, e.amount)"
"""An entry ``e`` as JSON, for statements that read entries together with something else."""

_LEDGER = text(
    f"""SELECT p.*, coalesce((SELECT jsonb_agg({ENTRY} ORDER BY e.id) FROM payment_entries e
        WHERE e.payment_id = p.id), '[]') AS entries
    FROM payments p WHERE p.order_id = :order ORDER BY p.created_at, p.id"""
)
_BY_KEY = text(
    """SELECT e.kind, e.phase, e.key, e.amount, p.currency, e.payment_id, e.shipment_id, p.order_id,
        p.provider
    FROM payment_entries e JOIN payments p ON p.id = e.payment_id
    WHERE e.key = :key ORDER BY e.id"""
)
_RECORD = text(
    f"""WITH entry AS (
        INSERT INTO payment_entries (id, payment_id, kind, phase, key, amount, provider_reference,
            shipment_id, failure_code, failure_message)
        VALUES (:id, :payment_id, :kind, :phase, :key, :amount, :provider_reference, :shipment_id,
            :failure_code, :failure_message)
        ON CONFLICT DO NOTHING RETURNING kind, phase),
    kept AS (
        UPDATE payments SET provider_reference = :provider_reference, token = NULL
        WHERE id = :payment_id AND CAST(:provider_reference AS text) IS NOT NULL AND EXISTS (
            SELECT FROM entry WHERE kind = 'authorization' AND phase = 'succeeded')),
    told AS ({ADD_EVENTS} WHERE EXISTS (SELECT FROM entry))
    SELECT count(*) FROM entry"""
)


def entry_of(fields: Sequence[Any]) -> Entry:
    """Return the value of an entry that was read as ENTRY."""
    _, kind, phase, key, amount = fields
    return Entry(kind=kind, phase=phase, key=key, amount=amount)


async def ledger_of(db: AsyncConnection, order_id: UUID) -> Ledger:
    """Return the payments of an order with their entries."""
    payments = (await db.execute(_LEDGER, {"order": order_id})).all()
    entries = (
        LedgerEntry(fields[0], payment.id, entry_of(fields))
        for payment in payments
        for fields in payment.entries
    )
    return Ledger(
        cast(tuple[PaymentRow, ...], tuple(payments)), tuple(sorted(entries, key=itemgetter(0)))
    )


async def find_by_key(db: AsyncConnection, key: str) -> list[KnownEntry]:
    """Return the entries under a provider key, oldest first."""
    return [
        KnownEntry(EntryKind(kind), Phase(phase), *rest)
        for kind, phase, *rest in await db.execute(_BY_KEY, {"key": key})
    ]


async def find_order_number(db: AsyncConnection, provider: str, authorization: str) -> str | None:
    """Return the number of the order whose money a provider's authorization reserved."""
    query = (
        select(OrderRow.number)
        .join(PaymentRow, PaymentRow.order_id == OrderRow.id)
        .where(PaymentRow.provider_reference == authorization, PaymentRow.provider == provider)
    )
    return (await db.execute(query)).scalars().first()


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
    failure_message: str = "",
    event: Event | None = None,
) -> bool:
    """Append an entry once, with its event; return whether it is new.

    The reference of an authorization that succeeded is kept with the payment, whose card's token
    is then forgotten.
    """
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
            "failure_message": failure_message,
            "events": to_add([event] if event else []),
        },
    )
    return bool(added.scalar_one())


async def record_payment(
    db: AsyncConnection,
    payment_id: UUID,
    order: OrderRow,
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
