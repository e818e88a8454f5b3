"""Units that are picked for shipments: which ones, and what becomes of them with the shipment."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.inventory.places import place_id
from db.inventory.units import (
    UnitRow,
    UnitStep,
    lock_all,
    move_units,
    units_picked_for,
)
from db.items import known_by
from db.orders.tables import OrderRow
from db.shipments.tables import ShipmentLineRow, ShipmentRow
from domain.documents import Kind
from domain.inventory import LocationKind
from domain.shipments.picking import ToPick
from domain.units import UnitEventKind, UnitStatus

UNPICKED = f"""(SELECT coalesce(sum(l.quantity - (
            SELECT count(*) FROM units u WHERE u.shipment_line_id = l.id)), 0)
        FROM shipment_lines l JOIN items i ON i.id = l.item_id
            JOIN order_lines o ON o.id = l.order_line_id
        WHERE l.shipment_id = s.id AND {known_by("o")} = 'serial')"""
"""The SQL of how many units are still to be scanned for the shipment ``s``."""

_TO_PICK = text(
    f"""SELECT l.id, l.order_line_id, l.item_id, i.sku, {known_by("o")}, l.location_id, l.quantity,
        (SELECT count(*) FROM units u WHERE u.shipment_line_id = l.id), l.reservation_id,
        t.code_key, o.serial_at_shipping
    FROM shipment_lines l JOIN items i ON i.id = l.item_id
        JOIN order_lines o ON o.id = l.order_line_id
        JOIN reservations r ON r.id = l.reservation_id LEFT JOIN lots t ON t.id = r.lot_id
    WHERE l.shipment_id = :shipment ORDER BY l.id"""
)


async def lines_to_pick(db: AsyncConnection, shipment_id: UUID) -> dict[UUID, ToPick]:
    """Return the lines of a locked shipment with what is picked for each."""
    rows = await db.execute(_TO_PICK, {"shipment": shipment_id})
    return {row.id: ToPick(*row) for row in rows}


def pick_step(shipment_id: UUID, line_id: UUID, location_id: UUID, actor: str) -> UnitStep:
    """Return the step of units that are picked for a line: they stay in stock until they leave."""
    return UnitStep(
        kind=UnitEventKind.PICKED,
        status=UnitStatus.IN_STOCK,
        location_id=location_id,
        shipment_line_id=line_id,
        document_type=Kind.SHIPMENT,
        document_id=shipment_id,
        line_id=line_id,
        actor=actor,
    )


async def put_back(
    db: AsyncConnection, shipment_id: UUID, units: Iterable[UnitRow], actor: str
) -> None:
    """Put locked units back that were picked for a shipment: they lie where they were."""
    by_place: defaultdict[UUID | None, list[UUID]] = defaultdict(list)
    for unit in units:
        by_place[unit.location_id].append(unit.id)
    for location_id, ids in by_place.items():
        step = UnitStep(
            kind=UnitEventKind.PUT_BACK,
            status=UnitStatus.IN_STOCK,
            location_id=location_id,
            document_type=Kind.SHIPMENT,
            document_id=shipment_id,
            actor=actor,
        )
        await move_units(db, ids, step)


async def lock_picked(db: AsyncConnection, order_id: UUID) -> None:
    """Lock what is picked for the shipments of a locked order, before any of them is changed.

    All at once, in the one order: who changes several lists waits for no unit while it holds one.
    """
    lines = select(ShipmentLineRow.id).join(
        ShipmentRow, ShipmentRow.id == ShipmentLineRow.shipment_id
    )
    await lock_all(db, UnitRow.shipment_line_id.in_(lines.where(ShipmentRow.order_id == order_id)))


async def put_all_back(db: AsyncConnection, shipment_id: UUID, actor: str) -> None:
    """Put back what is picked for a locked shipment that will not leave."""
    lines = await lines_to_pick(db, shipment_id)
    if any(line.picked for line in lines.values()):
        await put_back(db, shipment_id, await units_picked_for(db, list(lines)), actor)


async def carry_over(
    db: AsyncConnection,
    former_id: UUID,
    parts: Sequence[ShipmentLineRow],
    lines: Sequence[Mapping[str, Any]],
    actor: str,
) -> None:
    """Keep what is picked for a pick list whose lines (``parts``) others take the place of.

    Where a line stays whole, or no more is picked than is left of it; what is divided is scanned
    anew, for nobody knows which of its units go where.
    """
    picked = await units_picked_for(db, [part.id for part in parts])
    whole = {part.id: part for part in parts}
    kept: set[UUID] = set()
    heirs = Counter(line["part"] for line in lines)
    for line in lines if picked else ():
        part = whole[line["part"]]
        ids = [unit.id for unit in picked if unit.shipment_line_id == part.id]
        if heirs[part.id] > 1 or len(ids) > line["quantity"]:
            continue
        kept.update(ids)
        step = pick_step(line["shipment_id"], line["id"], part.location_id, actor)
        await move_units(db, ids, step)
    await put_back(db, former_id, [unit for unit in picked if unit.id not in kept], actor)


async def sell_units(
    db: AsyncConnection,
    order: OrderRow,
    shipment: ShipmentRow,
    parts: Sequence[ShipmentLineRow],
    actor: str,
) -> None:
    """Book that the picked units of a shipment have left: its order's customer holds them."""
    picked = await units_picked_for(db, [part.id for part in parts])
    for part in parts:
        step = UnitStep(
            kind=UnitEventKind.SOLD,
            status=UnitStatus.SOLD,
            holder_customer_id=order.customer_id,
            order_line_id=part.order_line_id,
            shipment_line_id=part.id,
            document_type=Kind.SHIPMENT,
            document_id=shipment.id,
            line_id=part.id,
            actor=actor,
        )
        await move_units(db, [one.id for one in picked if one.shipment_line_id == part.id], step)


async def lose_units(db: AsyncConnection, shipment_id: UUID, lines: Sequence[UUID]) -> None:
    """Book that the units of a shipment's lines got lost on their way, where they still are so."""
    sold = [unit.id for unit in await units_picked_for(db, lines) if unit.status == UnitStatus.SOLD]
    step = UnitStep(
        kind=UnitEventKind.LOST,
        status=UnitStatus.SCRAPPED,
        location_id=place_id(LocationKind.LOSS),
        document_type=Kind.SHIPMENT,
        document_id=shipment_id,
        actor="system",
    )
    await move_units(db, sold, step)
