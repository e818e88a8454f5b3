"""What is written of refunds beside their moves: new ones, and what the lines count."""

from collections.abc import Sequence
from typing import cast
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from db.documents import ORDERS, REFUNDS
from db.engine import to_json
from db.orders.tables import OrderRow
from db.refunds.tables import RefundLineRow, RefundRow
from domain.errors import NotFound
from domain.ids import new_id
from domain.refunds.due import Due, DueLine, as_moved
from domain.refunds.status import RefundSource, RefundStatus

_ORDER = text("SELECT order_id FROM refunds WHERE id = :refund")


async def find_refund(db: AsyncConnection, refund_id: UUID) -> UUID | None:
    """Return the order of a refund; None when there is no such refund."""
    return (await db.execute(_ORDER, {"refund": refund_id})).scalar_one_or_none()


async def lock_refund(db: AsyncConnection, refund_id: UUID) -> tuple[OrderRow, RefundRow]:
    """Lock and return a refund with its order, whose money it is; raise NotFound.

    The order first, as everything does that moves an order's money.
    """
    order_id = await find_refund(db, refund_id)
    if order_id is None:
        raise NotFound(f"there is no refund {refund_id}")
    return await ORDERS.lock(db, order_id), await REFUNDS.lock(db, refund_id)


async def write_refund(
    db: AsyncConnection,
    refund_id: UUID,
    order: OrderRow,
    payment_id: UUID,
    due: Due,
    *,
    source: RefundSource,
    reason: str,
    actor: str,
    parent_id: UUID | None = None,
    return_id: UUID | None = None,
    shipment_id: UUID | None = None,
) -> RefundRow:
    """Write a new refund of a locked order's payment with its lines and its first event."""
    found = await db.execute(
        insert(RefundRow)
        .values(
            id=refund_id,
            order_id=order.id,
            payment_id=payment_id,
            parent_id=parent_id,
            return_id=return_id,
            shipment_id=shipment_id,
            status=RefundStatus.REQUESTED,
            source=source,
            currency=order.currency,
            amount=due.amount,
            shipping_amount=due.shipping,
            shipping_tax_amount=due.shipping_tax,
            goodwill_amount=due.goodwill,
            goodwill_tax_amount=due.goodwill_tax,
            fee_amount=due.fee,
            label_fee_amount=due.label_fee,
            tax_amount=due.tax,
            reason=reason,
            requested_by=actor,
        )
        .returning(RefundRow.__table__)
    )
    refund = cast(RefundRow, found.one())
    if due.lines:
        rows = [
            {
                "id": new_id(),
                "refund_id": refund_id,
                "order_line_id": line.line_id,
                "units": line.units,
                "amount": line.amount,
                "tax_amount": line.tax,
                "fee_amount": line.fee,
                "fee_tax_amount": line.fee_tax,
            }
            for line in due.lines
        ]
        await db.execute(insert(RefundLineRow), rows)
    money = {"amount": due.amount, "currency": order.currency}
    await REFUNDS.add_event(db, refund, REFUNDS.made, actor, {"amount": money})
    return refund


async def refund_lines_of(db: AsyncConnection, refund_id: UUID) -> Sequence[RefundLineRow]:
    """Return the lines of a refund."""
    query = select(RefundLineRow.__table__).where(RefundLineRow.refund_id == refund_id)
    found = await db.execute(query.order_by(RefundLineRow.id))
    return cast(Sequence[RefundLineRow], found.all())


_COUNT = text(
    """UPDATE order_lines l SET refunded_units = l.refunded_units + :times * x.units,
        refunded_amount = l.refunded_amount + :times * x.amount
    FROM refund_lines x WHERE x.refund_id = :refund AND l.id = x.order_line_id"""
)


async def count_refund(db: AsyncConnection, refund_id: UUID, times: int = 1) -> None:
    """Add what a refund gave back to the lines of its order; -1 ``times`` takes it off."""
    await db.execute(_COUNT, {"refund": refund_id, "times": times})


_LOWER = text(
    """WITH lines AS (
        UPDATE refund_lines x SET amount = y.amount, tax_amount = y.tax_amount
        FROM jsonb_to_recordset(CAST(:lines AS jsonb)) AS y(order_line_id uuid, amount bigint,
            tax_amount bigint) WHERE x.refund_id = :refund AND x.order_line_id = y.order_line_id)
    UPDATE refunds SET amount = :amount, shipping_amount = :shipping,
        shipping_tax_amount = :shipping_tax, goodwill_amount = :goodwill,
        goodwill_tax_amount = :goodwill_tax, tax_amount = :tax WHERE id = :refund"""
)


async def change_amount(db: AsyncConnection, refund: RefundRow, amount: int) -> None:
    """Write that another ``amount`` (minor units) went back by a refund than was asked for."""
    moved = as_moved(await _due_of(db, refund), amount)
    lines = [
        {"order_line_id": line.line_id, "amount": line.amount, "tax_amount": line.tax}
        for line in moved.lines
    ]
    given = {
        "refund": refund.id,
        "amount": moved.amount,
        "shipping": moved.shipping,
        "shipping_tax": moved.shipping_tax,
        "goodwill": moved.goodwill,
        "goodwill_tax": moved.goodwill_tax,
        "tax": moved.tax,
        "lines": to_json(lines),
    }
    await db.execute(_LOWER, given)


async def _due_of(db: AsyncConnection, refund: RefundRow) -> Due:
    """Return what a refund was to give back, part by part."""
    return Due(
        tuple(
            DueLine(
                line.order_line_id,
                line.units,
                line.amount,
                line.tax_amount,
                line.fee_amount,
                line.fee_tax_amount,
            )
            for line in await refund_lines_of(db, refund.id)
        ),
        refund.shipping_amount,
        refund.shipping_tax_amount,
        refund.goodwill_amount,
        refund.goodwill_tax_amount,
    )
