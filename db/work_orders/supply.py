"""Stock for work orders: what is promised to their parts, and where it lies."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.inventory.movements import LinePick
from db.work_orders.tables import OPEN
from domain.demand import Free
from domain.ids import new_id

LACKS = f"""EXISTS (SELECT FROM work_order_parts p WHERE p.work_order_id = w.id
        AND {OPEN} > (SELECT coalesce(sum(r.quantity), 0) FROM reservations r
            WHERE r.line_id = p.id AND r.status = 'active'))"""
"""Whether the work order ``w`` wants parts that are not reserved for it: it is not ready then."""


def take(
    line_id: UUID,
    item_id: UUID,
    wanted: Decimal,
    shelves: Sequence[Free],
    free: dict[Free, Decimal],
) -> list[LinePick]:
    """Take a quantity for a line from what is ``free``, which gets less; as much as there is.

    A share of its own beside what the line holds there already.
    """
    picks = []
    for shelf in shelves:
        part = min(wanted, free.setdefault(shelf, shelf.quantity))
        if shelf.item_id == item_id and part > 0:
            place, lot_id = shelf.location_id, shelf.lot_id
            picks.append(LinePick(line_id, item_id, place, part, lot_id, share=str(new_id())))
            free[shelf] -= part
            wanted -= part
    return picks


class Held(NamedTuple):
    """An active reservation for a part."""

    id: UUID
    line_id: UUID
    item_id: UUID
    location_id: UUID
    quantity: Decimal
    lot_id: UUID | None


_HELD = text(
    """SELECT id, line_id, item_id, location_id, quantity, lot_id FROM reservations
    WHERE document_id = :work_order AND status = 'active' AND line_id = ANY(:lines)
    ORDER BY id FOR UPDATE"""
)


async def lock_held(db: AsyncConnection, work_order_id: UUID, lines: Sequence[UUID]) -> list[Held]:
    """Lock and return the active reservations for parts of a locked work order."""
    found = await db.execute(_HELD, {"work_order": work_order_id, "lines": list(lines)})
    return [Held(*row) for row in found]


_READY = text(f"SELECT NOT {LACKS} FROM work_orders w WHERE w.id = :work_order")


async def is_ready(db: AsyncConnection, work_order_id: UUID) -> bool:
    """Whether every part of a work order is reserved, issued or cancelled (R1)."""
    return bool((await db.execute(_READY, {"work_order": work_order_id})).scalar_one())


_ISSUED = text(
    """SELECT u.id, u.serial, u.item_id, e.line_id FROM units u
    JOIN unit_events e ON e.unit_id = u.id AND e.sequence = u.events
    WHERE u.status = 'issued' AND e.document_type = 'work_order' AND e.document_id = :work_order
    ORDER BY u.item_id, u.serial_key FOR UPDATE OF u"""
)


class IssuedUnit(NamedTuple):
    """A unit that was issued to a work order, and is neither installed nor returned."""

    id: UUID
    serial: str
    item_id: UUID
    part_id: UUID


async def lock_issued(db: AsyncConnection, work_order_id: UUID) -> list[IssuedUnit]:
    """Lock and return the units that lie at the bench for a locked work order."""
    found = await db.execute(_ISSUED, {"work_order": work_order_id})
    return [IssuedUnit(*row) for row in found]


_OF_LOT = text(
    """SELECT coalesce(sum(CASE kind WHEN 'issue' THEN quantity ELSE -quantity END), 0)
    FROM movements WHERE document_id = :work_order AND line_id = :part AND lot_id = :lot"""
)


async def issued_of(db: AsyncConnection, work_order_id: UUID, part_id: UUID, lot: UUID) -> Decimal:
    """Return how much of a lot was issued for a part of a locked work order, and is not back."""
    given = {"work_order": work_order_id, "part": part_id, "lot": lot}
    return Decimal((await db.execute(_OF_LOT, given)).scalar_one())


_HOLDERS = text(
    """SELECT r.id, r.document_id FROM lots t JOIN reservations r ON r.item_id = t.item_id
        AND r.lot_id = t.id AND r.status = 'active' AND r.document_type = 'work_order'
    WHERE t.id = :lot ORDER BY r.document_id, r.id"""
)


async def work_holding(db: AsyncConnection, lot_id: UUID) -> dict[UUID, list[UUID]]:
    """Return the reservations of a lot for work orders, by these."""
    held: dict[UUID, list[UUID]] = {}
    for row in await db.execute(_HOLDERS, {"lot": lot_id}):
        held.setdefault(row.document_id, []).append(row.id)
    return held
