"""The writes of an order's run: each under the order's lock, each with its event."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import bindparam, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from db.ledgers import ENTRY, entry_of
from db.orders.captures import DUE, OUTSTANDING
from db.orders.tables import OrderLineRow
from db.shipments.captures import OWES
from domain.ids import ShipmentId
from domain.orders.status import LineCounters, given_up
from domain.payments import PaymentAmounts, add_up

# Statements are made once: to build one anew costs the worker more than to run it.
_LINES = (
    select(OrderLineRow.__table__)
    .where(OrderLineRow.order_id == bindparam("order"))
    .order_by(OrderLineRow.position)
)
_OPEN_POINTS = text(
    f"""SELECT (SELECT jsonb_agg(jsonb_build_array(total_amount, quantity, cancelled))
            FROM order_lines WHERE order_id = :order AND cancelled > 0) AS cancelled,
        (SELECT min(placed_at) FROM holds
            WHERE document_id = :order AND released_at IS NULL) AS held_since,
        ARRAY(SELECT id FROM shipments WHERE order_id = :order AND status = 'pending'
            ORDER BY id) AS to_book,
        EXISTS (SELECT FROM order_lines
            WHERE order_id = :order AND short_since IS NOT NULL) AS short,
        EXISTS (SELECT 1 FROM shipments s WHERE s.order_id = :order AND {OWES}) AS owed,
        (SELECT {OUTSTANDING} FROM orders o WHERE o.id = :order) AS uncaptured,
        (SELECT {DUE} FROM orders o WHERE o.id = :order) AS to_capture,
        coalesce((SELECT jsonb_agg({ENTRY} ORDER BY e.id) FROM payment_entries e
            JOIN payments p ON p.id = e.payment_id WHERE p.order_id = :order), '[]') AS entries"""
)


@dataclass(frozen=True, slots=True)
class OpenPoints:
    """What decides how a locked order goes on."""

    held_since: datetime | None
    """When the oldest open hold was placed; None when nothing holds the order."""
    to_book: tuple[ShipmentId, ...]
    short: bool
    """Whether it waits for stock."""
    owed: bool
    """Whether money for goods that left is outstanding."""
    paid: PaymentAmounts
    uncaptured: bool
    """Whether the money that is to be taken at its confirmation is outstanding."""
    to_capture: bool
    """Whether the provider is to be asked for that now."""
    given_up: int
    """What is not owed any more for units that were cancelled, in minor units."""


async def lines_of(db: AsyncConnection, order_id: UUID) -> Sequence[OrderLineRow]:
    """Return the order's lines in their order."""
    found = (await db.execute(_LINES, {"order": order_id})).all()
    return cast(Sequence[OrderLineRow], found)


async def open_points_of(db: AsyncConnection, order_id: UUID) -> OpenPoints:
    """Return the open points of a locked order."""
    row = (await db.execute(_OPEN_POINTS, {"order": order_id})).one()
    paid = add_up(map(entry_of, row.entries))
    less = sum(given_up(*line) for line in row.cancelled or ())
    return OpenPoints(
        held_since=row.held_since,
        to_book=tuple(row.to_book),
        short=row.short,
        owed=row.owed,
        paid=paid,
        uncaptured=row.uncaptured,
        to_capture=row.to_capture,
        given_up=less,
    )


def counters_of(line: OrderLineRow) -> LineCounters:
    """Return the counters of a line's row."""
    return LineCounters(
        quantity=line.quantity,
        cancelled=line.cancelled,
        shipped=line.shipped,
        delivered=line.delivered,
        written_off=line.written_off,
        total_amount=line.total_amount,
    )


async def count_up(db: AsyncConnection, line_id: UUID, **counters: int) -> None:
    """Add to counters of a line whose order is locked; the table's checks bound them."""
    await db.execute(
        update(OrderLineRow)
        .where(OrderLineRow.id == line_id)
        .values({name: getattr(OrderLineRow, name) + by for name, by in counters.items()})
    )


async def cancel_open_units(db: AsyncConnection, order_id: UUID) -> None:
    """Count everything that has not been shipped as cancelled."""
    await db.execute(
        update(OrderLineRow)
        .where(OrderLineRow.order_id == order_id)
        .values(cancelled=OrderLineRow.quantity - OrderLineRow.shipped, short_since=None)
    )
