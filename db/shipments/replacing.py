"""Replacing pick lists: when something else is asked of the carrier, under a name of its own.

The carrier knows a label order by our shipment's id. A label that it has sold meanwhile for the
former pick list is thereby known as one to be voided.
"""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.documents import SHIPMENTS
from db.engine import to_json
from db.inventory.movements import Share
from db.inventory.splitting import split_reservations
from db.shipments.picking import carry_over
from db.shipments.tables import ShipmentRow
from db.shipments.writes import shipment_lines_of
from db.tasks import cancel_tasks
from domain.ids import following_id, new_id
from domain.shipments.status import ShipmentStatus
from domain.tasks import TaskKind

_MOVED = text(
    """SELECT s.ship_from <> t.address FROM shipments s JOIN sites t ON t.id = s.site_id
    WHERE s.id = :shipment"""
)
# The site's address is read anew: that it was incomplete may have been the reason.
_REPLACE = text(
    """WITH fresh AS (
        INSERT INTO shipments (id, order_id, site_id, status, carrier, service, ship_from, ship_to,
            heaviest_box_grams)
        SELECT f.id, s.order_id, s.site_id, 'pending', s.carrier, coalesce(:service, s.service),
            t.address, coalesce(CAST(:ship_to AS jsonb), s.ship_to),
            coalesce(:heaviest, s.heaviest_box_grams)
        FROM shipments s JOIN sites t ON t.id = s.site_id, unnest(CAST(:fresh AS uuid[])) AS f(id)
        WHERE s.id = :shipment RETURNING id, number),
    lines AS (
        INSERT INTO shipment_lines (id, shipment_id, order_line_id, item_id, location_id,
            reservation_id, quantity)
        SELECT l.id, l.shipment_id, p.order_line_id, p.item_id, p.location_id, l.reservation_id,
            l.quantity
        FROM jsonb_to_recordset(CAST(:lines AS jsonb)) AS l(id uuid, part uuid, shipment_id uuid,
            reservation_id uuid, quantity int)
        JOIN shipment_lines p ON p.id = l.part)
    SELECT id, number FROM fresh ORDER BY id"""
)
_ADD = text(
    """INSERT INTO shipment_lines (id, shipment_id, order_line_id, item_id, location_id,
        reservation_id, quantity)
    SELECT id, shipment_id, order_line_id, item_id, location_id, reservation_id, quantity
    FROM jsonb_populate_recordset(NULL::shipment_lines, CAST(:lines AS jsonb))"""
)


async def leaves_elsewhere(db: AsyncConnection, shipment: ShipmentRow) -> bool:
    """Whether the shipment's site has another address now than when it was planned."""
    return bool((await db.execute(_MOVED, {"shipment": shipment.id})).scalar_one())


async def replace_shipment(
    db: AsyncConnection,
    shipment: ShipmentRow,
    actor: str,
    *,
    shares: Sequence[Sequence[int]] | None = None,
    service: str | None = None,
    ship_to: dict[str, Any] | None = None,
    heaviest_box_grams: int | None = None,
    more: Sequence[Any] = (),
) -> list[UUID]:
    """Replace a locked pending shipment of a locked order by others that are asked for otherwise.

    ``shares`` are the units of each of its lines, in the order of their ids, per new shipment; all
    go into one if it is not given. ``more`` are reservations that the first one takes along, too,
    each with ``id``, ``line_id``, ``item_id``, ``location_id`` and ``quantity``. What was asked
    about the former one is taken back. Returns the new ones.
    """
    parts = await shipment_lines_of(db, shipment.id)
    shares = shares or [[part.quantity for part in parts]]
    wish = to_json([shares, service, ship_to, heaviest_box_grams, *(each.id for each in more)])
    # Answered the same way after a restore, it is asked for at the carrier under the same names.
    fresh = [
        following_id(shipment.id, f"replacement/{nth}/{wish}", nth) for nth in range(len(shares))
    ]
    lines, splits = [], []
    for position, part in enumerate(parts):
        reservation = part.reservation_id
        wanted = [(id_, share[position]) for id_, share in zip(fresh, shares, strict=True)]
        for nth, (id_, quantity) in enumerate(each for each in wanted if each[1]):
            if nth:
                reservation = new_id()
                splits.append(Share(reservation, part.reservation_id, quantity))
            lines.append(
                {
                    "id": new_id(),
                    "part": part.id,
                    "shipment_id": id_,
                    "reservation_id": reservation,
                    "quantity": quantity,
                }
            )
    await split_reservations(db, splits)
    rows = await db.execute(
        _REPLACE,
        {
            "shipment": shipment.id,
            "fresh": fresh,
            "lines": to_json(lines),
            "service": service,
            "ship_to": None if ship_to is None else to_json(ship_to),
            "heaviest": heaviest_box_grams,
        },
    )
    numbers = [row.number for row in rows]
    added = [_line(each, fresh[0]) for each in more]
    if added:
        await db.execute(_ADD, {"lines": to_json(added)})
    await carry_over(db, shipment.id, parts, lines, actor)
    await SHIPMENTS.move(db, shipment, ShipmentStatus.CANCELLED, actor, {"replaced_by": numbers})
    for id_, number in zip(fresh, numbers, strict=True):
        await _tell(db, shipment, id_, number, [*lines, *added], actor)
    await cancel_tasks(db, shipment.id, TaskKind.BOOKING_REFUSED)
    return fresh


def _line(reserved: Any, shipment_id: UUID) -> dict[str, Any]:
    return {
        "id": new_id(),
        "shipment_id": shipment_id,
        "order_line_id": reserved.line_id,
        "item_id": reserved.item_id,
        "location_id": reserved.location_id,
        "reservation_id": reserved.id,
        "quantity": reserved.quantity,
    }


async def _tell(
    db: AsyncConnection,
    former: ShipmentRow,
    id_: UUID,
    number: str,
    lines: Sequence[dict[str, Any]],
    actor: str,
) -> None:
    units = sum(line["quantity"] for line in lines if line["shipment_id"] == id_)
    made = cast(ShipmentRow, SimpleNamespace(id=id_, number=number, order_id=former.order_id))
    data = {"to": ShipmentStatus.PENDING, "units": units, "replaces": former.number}
    await SHIPMENTS.add_event(db, made, "planned", actor, data)
