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
from domain.money import share, split
from domain.refunds.rules import Due
from domain.refunds.status import RefundSource, RefundStatus

_ORDER = text("SELECT order_id FROM refunds WHERE id = :refund")


async def lock_refund(db: AsyncConnection, refund_id: UUID) -> tuple[OrderRow, RefundRow]:
    """Lock and return a refund with its order, whose money it is; raise NotFound.

    The order first, as everything does that moves an order's money.
    """
    order_id = (await db.execute(_ORDER, {"refund": refund_id})).scalar_one_or_none()
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
    parent_id: UUID | None,
    source: RefundSource,
    reason: str,
    actor: str,
) -> RefundRow:
    """Write a new refund of a locked order's payment with its lines and its first event."""
    found = await db.execute(
        insert(RefundRow)
        .values(
            id=refund_id,
            order_id=order.id,
            payment_id=payment_id,
            parent_id=parent_id,
            status=RefundStatus.REQUESTED,
            source=source,
            currency=order.currency,
            amount=due.amount,
            shipping_amount=due.shipping,
            shipping_tax_amount=due.shipping_tax,
            goodwill_amount=due.goodwill,
            goodwill_tax_amount=due.goodwill_tax,
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
        FROM jsonb_to_recordset(CAST(:lines AS jsonb)) AS y(id uuid, amount bigint, tax_amount
            bigint) WHERE x.id = y.id)
    UPDATE refunds SET amount = :amount, shipping_amount = :shipping, goodwill_amount = :goodwill,
        tax_amount = :tax WHERE id = :refund"""
)


async def change_amount(db: AsyncConnection, refund: RefundRow, amount: int) -> None:
    """Write that another ``amount`` (minor units) went back by a refund than was asked for.

    Less is less of each of its parts; what is more is for no goods.
    """
    lines = await refund_lines_of(db, refund.id)
    planned = [*(line.amount for line in lines), refund.shipping_amount, refund.goodwill_amount]
    *parts, shipping, goodwill = split(min(amount, refund.amount), planned)
    given = {
        "refund": refund.id,
        "amount": amount,
        "shipping": shipping,
        "goodwill": goodwill + max(0, amount - refund.amount),
        "tax": min(amount, share(refund.tax_amount, amount, refund.amount, 0)),
        "lines": to_json(
            [
                {
                    "id": line.id,
                    "amount": part,
                    "tax_amount": share(line.tax_amount, part, line.amount, 0) if part else 0,
                }
                for line, part in zip(lines, parts, strict=True)
            ]
        ),
    }
    await db.execute(_LOWER, given)
