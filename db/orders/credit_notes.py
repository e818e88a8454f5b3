"""Credit notes: what orders on terms owe less, because goods came back or never arrived."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from db.metadata import Base, Id, Minor
from db.orders.tables import OrderRow
from domain.refunds.due import Due


class CreditNoteRow(Base):
    """One reason why an order on terms owes less; never changed, never removed."""

    __tablename__ = "credit_notes"
    __table_args__ = (
        CheckConstraint("amount >= 0", name="amount"),
        CheckConstraint(
            "shipping_amount >= 0 AND shipping_tax_amount >= 0 AND tax_amount >= 0"
            " AND tax_amount <= amount",
            name="amounts",
        ),
        Index("ix_credit_notes_order", "order_id"),
    )

    id: Mapped[Id]
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    return_id: Mapped[UUID | None] = mapped_column(ForeignKey("returns.id"))
    """The return for whose accepted units it is."""
    shipment_id: Mapped[UUID | None] = mapped_column(ForeignKey("shipments.id"))
    """Whose goods never arrived."""
    amount: Mapped[Minor]
    """All that is owed less: its lines and shipping, less what is kept of the lines."""
    shipping_amount: Mapped[Minor]
    shipping_tax_amount: Mapped[Minor]
    tax_amount: Mapped[Minor]
    """The tax in ``amount``."""
    lines: Mapped[list[dict[str, Any]]]
    """By order's line the units, and their money and tax before anything is kept of it."""
    reason: Mapped[str]
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


CREDITED_LINES = """(SELECT n.order_id, n.return_id, n.shipment_id, x.order_line_id, x.units,
        x.amount, x.tax_amount
    FROM credit_notes n CROSS JOIN LATERAL jsonb_to_recordset(n.lines)
        AS x(order_line_id uuid, units int, amount bigint, tax_amount bigint))"""
"""What credit notes say of lines."""
_CREDIT = text(
    """UPDATE orders SET credited_amount = credited_amount + :amount, version = version + 1
    WHERE id = :order"""
)
_CREDITED_BY = text(
    """SELECT coalesce(sum(amount), 0)::bigint FROM credit_notes
    WHERE order_id = :order AND return_id IS NOT DISTINCT FROM CAST(:return AS uuid)
        AND shipment_id IS NOT DISTINCT FROM CAST(:shipment AS uuid)"""
)


async def write_credit_note(
    db: AsyncConnection,
    note_id: UUID,
    order: OrderRow,
    due: Due,
    *,
    reason: str,
    actor: str,
    return_id: UUID | None,
    shipment_id: UUID | None,
) -> bool:
    """Write what a locked order owes less, once per id; return whether it is new."""
    lines = [
        {
            "order_line_id": str(line.line_id),
            "units": line.units,
            "amount": line.amount,
            "tax_amount": line.tax,
        }
        for line in due.lines
    ]
    added = await db.execute(
        insert(CreditNoteRow)
        .values(
            id=note_id,
            order_id=order.id,
            return_id=return_id,
            shipment_id=shipment_id,
            amount=due.amount,
            shipping_amount=due.shipping,
            shipping_tax_amount=due.shipping_tax,
            tax_amount=due.tax,
            lines=lines,
            reason=reason,
            created_by=actor,
        )
        .on_conflict_do_nothing()
        .returning(CreditNoteRow.id)
    )
    if added.one_or_none() is None:
        return False
    await db.execute(_CREDIT, {"order": order.id, "amount": due.amount})
    return True


async def credited_by(
    db: AsyncConnection, order_id: UUID, return_id: UUID | None, shipment_id: UUID | None
) -> int:
    """Return what an order owes less because of a return, or a shipment, in minor units."""
    given = {"order": order_id, "return": return_id, "shipment": shipment_id}
    return int((await db.execute(_CREDITED_BY, given)).scalar_one())
