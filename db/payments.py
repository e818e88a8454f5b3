"""Payments and their ledger of entries."""

from datetime import date, datetime
from typing import NamedTuple, cast
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    UniqueConstraint,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from db.events import ADD_EVENTS, Event, to_add
from db.metadata import Base, Id, Minor, added_in_order, one_of
from db.orders.tables import OrderRow
from domain.ids import new_id
from domain.orders.attempts import DECLINES_WITHIN, NEVER_SENT
from domain.payments import EntryKind, Phase

_RENEWS = text("renews IS NOT NULL")
_ENDS = text("authorization_expires_at IS NOT NULL")


class PaymentRow(Base):
    """One attempt of a customer to pay an order; its state follows from its entries."""

    __tablename__ = "payments"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        Index("ix_payments_order", "order_id"),
        Index("uq_payments_renews", "renews", unique=True, postgresql_where=_RENEWS),
        Index("ix_payments_end", "authorization_expires_at", postgresql_where=_ENDS),
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
    return_url: Mapped[str | None]
    """Where the customer goes after confirming; erased once that is decided."""
    redirect_url: Mapped[str | None]
    """Where the customer confirms, while that is open."""
    provider_reference: Mapped[str | None]
    authorization_expires_at: Mapped[datetime | None]
    """From when nothing is reserved any more; None while that is not known."""
    renews: Mapped[UUID | None] = mapped_column(ForeignKey("payments.id"))
    """The payment whose authorization this one renews, without a card of its own."""
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
        added_in_order("payment_entries", "recorded_at"),
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
    refund_id: Mapped[UUID | None] = mapped_column(ForeignKey("refunds.id"))
    failure_code: Mapped[str] = mapped_column(server_default="")
    received_on: Mapped[date | None]
    """The day on which money came that no provider tells us of."""
    failure_message: Mapped[str] = mapped_column(server_default="")
    """What the provider says of a failure, in words for people."""
    recorded_at: Mapped[datetime] = mapped_column(server_default=func.now())


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
    refund_id: UUID | None
    received_on: date | None


STANDS = """e.phase = 'succeeded' AND NOT EXISTS (SELECT FROM payment_entries r WHERE
    r.payment_id = e.payment_id AND r.kind = e.kind AND r.key = e.key AND r.phase = 'reversed')"""
"""The condition that an entry ``e`` is a success that the provider has not taken back."""
AGAIN = """t.kind = 'refund_failed' AND t.outcome = 'retry'
    AND NOT EXISTS (SELECT FROM payment_entries e WHERE e.phase IN ('succeeded', 'failed')
        AND e.key = 'refund/' || t.document_id || '/' || t.id)
    AND NOT EXISTS (SELECT FROM refunds r WHERE r.shipment_id = t.document_id
        AND r.created_at >= t.closed_at)
    AND NOT EXISTS (SELECT FROM tasks m WHERE m.document_id = t.document_id
        AND m.kind = 'payment_mismatch' AND m.status = 'open')"""
"""The condition that a refund of a release before they were documents is to be tried again.

As a task ``t`` about its shipment decided.
"""
_BY_KEY = text(
    """SELECT e.kind, e.phase, e.key, e.amount, p.currency, e.payment_id, e.shipment_id, p.order_id,
        p.provider, e.refund_id, e.received_on
    FROM payment_entries e JOIN payments p ON p.id = e.payment_id
    WHERE e.key = :key ORDER BY e.id"""
)
_DECLINES_FROM = f"now() - interval '{DECLINES_WITHIN.total_seconds():.0f} s'"
_RECORD = text(
    f"""WITH entry AS (
        INSERT INTO payment_entries (id, payment_id, kind, phase, key, amount, provider_reference,
            shipment_id, refund_id, received_on, failure_code, failure_message)
        VALUES (:id, :payment_id, :kind, :phase, :key, :amount, :provider_reference, :shipment_id,
            :refund_id, CAST(:received_on AS date), :failure_code, :failure_message)
        ON CONFLICT DO NOTHING RETURNING kind, phase),
    kept AS (
        UPDATE payments SET provider_reference = :provider_reference, token = NULL,
            authorization_expires_at = :expires_at, return_url = NULL, redirect_url = NULL
        WHERE id = :payment_id AND CAST(:provider_reference AS text) IS NOT NULL AND EXISTS (
            SELECT FROM entry WHERE kind = 'authorization' AND phase = 'succeeded')),
    asked AS (
        UPDATE payments p SET redirect_url = :redirect_url,
            return_url = CASE e.phase WHEN 'action_required' THEN p.return_url END
        FROM entry e WHERE p.id = :payment_id
            AND e.kind = 'authorization' AND e.phase IN ('action_required', 'failed')
            AND NOT EXISTS (SELECT FROM payment_entries d WHERE d.payment_id = p.id
                AND d.kind = 'authorization' AND d.phase IN ('succeeded', 'failed'))),
    declined AS (
        UPDATE customers c SET
            declines = CASE WHEN c.declines_from > {_DECLINES_FROM} THEN c.declines ELSE 0 END + 1,
            declines_from = CASE WHEN c.declines_from > {_DECLINES_FROM} THEN c.declines_from
                ELSE now() END
        FROM payments p JOIN orders o ON o.id = p.order_id
        WHERE p.id = :payment_id AND p.renews IS NULL AND c.id = o.customer_id
            AND CAST(:failure_code AS text) <> '{NEVER_SENT}' AND EXISTS (
                SELECT FROM entry WHERE kind = 'authorization' AND phase = 'failed')),
    told AS ({ADD_EVENTS} WHERE EXISTS (SELECT FROM entry))
    SELECT count(*) FROM entry"""
)


async def find_by_key(db: AsyncConnection, key: str) -> list[KnownEntry]:
    """Return the entries under a provider key, oldest first."""
    return [
        KnownEntry(EntryKind(kind), Phase(phase), *rest)
        for kind, phase, *rest in await db.execute(_BY_KEY, {"key": key})
    ]


async def find_authorized(
    db: AsyncConnection, provider: str, authorization: str
) -> PaymentRow | None:
    """Return the payment whose money a provider's authorization reserved."""
    query = select(PaymentRow.__table__).where(
        PaymentRow.provider_reference == authorization, PaymentRow.provider == provider
    )
    return cast(PaymentRow | None, (await db.execute(query)).first())


async def end_authorization(db: AsyncConnection, payment_id: UUID) -> None:
    """Note that nothing of a payment is reserved from now on."""
    ends = func.least(PaymentRow.authorization_expires_at, func.now())
    await db.execute(
        update(PaymentRow).where(PaymentRow.id == payment_id).values(authorization_expires_at=ends)
    )


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
    refund_id: UUID | None = None,
    received_on: date | None = None,
    failure_code: str = "",
    failure_message: str = "",
    expires_at: datetime | None = None,
    redirect_url: str | None = None,
    event: Event | None = None,
) -> bool:
    """Append an entry once, with its event; return whether it is new.

    The reference of an authorization that succeeded is kept with the payment, and when it ends;
    the card's token is then forgotten. Where the customer confirms one, and goes afterwards, is
    known until that is decided.
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
            "refund_id": refund_id,
            "received_on": received_on,
            "failure_code": failure_code,
            "failure_message": failure_message,
            "expires_at": expires_at,
            "redirect_url": redirect_url,
            "events": to_add([event] if event else []),
        },
    )
    return bool(added.scalar_one())


async def record_payment(
    db: AsyncConnection,
    payment_id: UUID,
    order: OrderRow,
    *,
    amount: int,
    provider: str,
    token: str,
    return_url: str | None,
    actor: str,
) -> None:
    """Add a further card payment of an order, of ``amount`` minor units, once per id."""
    await db.execute(
        insert(PaymentRow)
        .values(
            id=payment_id,
            order_id=order.id,
            provider=provider,
            method="card",
            amount=amount,
            currency=order.currency,
            token=token,
            return_url=return_url,
            created_by=actor,
        )
        .on_conflict_do_nothing()
    )
