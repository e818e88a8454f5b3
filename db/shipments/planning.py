"""Planning of shipments: one pick list per site for what is reserved and not planned yet."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.documents import SHIPMENTS
from db.engine import to_json
from db.events import ADD_EVENTS, to_add
from db.orders.backorders import is_short
from db.orders.tables import OrderRow
from db.shipments.replacing import replace_shipment
from db.shipments.tables import PREFIX, ShipmentRow
from domain.ids import ShipmentId, derived_id, following_id
from domain.shipments.status import ShipmentStatus

# Reserved units that no live shipment takes along yet; the first of each site draws a number. What
# was never planned joins the newest pick list of its site of which nothing is picked.
_UNPLANNED = text(
    """SELECT r.id, r.line_id, r.item_id, r.location_id, r.quantity::int AS quantity, l.site_id,
        s.address, CASE row_number() OVER (PARTITION BY l.site_id ORDER BY r.id)
            WHEN 1 THEN nextval('shipment_numbers') END AS number,
        (SELECT count(*) FROM shipments p WHERE p.order_id = :order)::int AS before,
        (SELECT p.id FROM shipments p WHERE p.order_id = :order AND p.site_id = l.site_id
            AND p.status = 'pending' AND NOT EXISTS (SELECT FROM shipment_lines x
                WHERE x.order_line_id = r.line_id AND x.reservation_id = r.id)
            AND NOT EXISTS (SELECT FROM shipment_lines x JOIN units u ON u.shipment_line_id = x.id
                WHERE x.shipment_id = p.id)
            ORDER BY p.id DESC LIMIT 1) AS joins
    FROM reservations r JOIN locations l ON l.id = r.location_id JOIN sites s ON s.id = l.site_id
    WHERE r.document_id = :order AND r.status = 'active' AND NOT EXISTS (
        SELECT 1 FROM shipment_lines x JOIN shipments sh ON sh.id = x.shipment_id
        WHERE x.order_line_id = r.line_id AND x.reservation_id = r.id
            AND sh.status NOT IN ('voided', 'cancelled'))
    ORDER BY s.rank, s.code, r.id"""
)
_PLAN = text(
    f"""WITH planned AS (
        INSERT INTO shipments (id, number, order_id, site_id, status, carrier, service, ship_from,
            ship_to)
        SELECT p.id, p.number, o.id, p.site_id, 'pending', :carrier, o.shipping_service,
            p.ship_from, o.ship_to
        FROM orders o, jsonb_to_recordset(CAST(:shipments AS jsonb))
            AS p(id uuid, number text, site_id uuid, ship_from jsonb)
        WHERE o.id = :order),
    lines AS (
        INSERT INTO shipment_lines (id, shipment_id, order_line_id, item_id, location_id,
            reservation_id, quantity)
        SELECT * FROM jsonb_to_recordset(CAST(:lines AS jsonb)) AS l(id uuid, shipment_id uuid,
            order_line_id uuid, item_id uuid, location_id uuid, reservation_id uuid, quantity int))
    {ADD_EVENTS}"""
)


async def plan_shipments(
    db: AsyncConnection, order: OrderRow, carrier: str
) -> tuple[ShipmentId, ...]:
    """Make one pick list per site for what a locked order has reserved and not planned yet.

    None of an order that leaves as a whole and waits for stock. Their ids say what they are:
    planned again after a restore, they are asked for at the carrier under the same names, and no
    label is sold twice. What has come since a pick list was made is put on that.
    """
    if order.ship_complete and await is_short(db, order.id):
        return ()
    rows = (await db.execute(_UNPLANNED, {"order": order.id})).all()
    joining: defaultdict[UUID, list[Any]] = defaultdict(list)
    by_site: dict[UUID, list[Any]] = {}
    for row in rows:
        if row.joins is not None:
            joining[row.joins].append(row)
        else:
            by_site.setdefault(row.site_id, []).append(row)
    for shipment_id, more in sorted(joining.items()):
        await replace_shipment(db, await SHIPMENTS.lock(db, shipment_id), "system", more=more)
    if not by_site:
        return ()
    numbers = {row.site_id: f"{PREFIX}-{row.number}" for row in rows if row.number is not None}
    return await _plan(db, order, carrier, by_site, numbers)


async def _plan(
    db: AsyncConnection,
    order: OrderRow,
    carrier: str,
    by_site: Mapping[UUID, Sequence[Any]],
    numbers: Mapping[UUID, str],
) -> tuple[ShipmentId, ...]:
    planned = {
        ShipmentId(following_id(order.id, f"shipment/{site}/{nth}", nth)): rows
        for nth, (site, rows) in enumerate(by_site.items(), next(iter(by_site.values()))[0].before)
    }
    lines = [
        {
            "id": derived_id(id_, f"line/{row.id}"),
            "shipment_id": id_,
            "order_line_id": row.line_id,
            "item_id": row.item_id,
            "location_id": row.location_id,
            "reservation_id": row.id,
            "quantity": row.quantity,
        }
        for id_, rows in planned.items()
        for row in rows
    ]
    shipments, events = [], []
    for id_, rows in planned.items():
        site, address = rows[0].site_id, rows[0].address
        number = numbers[site]
        fresh = SimpleNamespace(id=id_, number=number, order_id=order.id)
        data = {"to": ShipmentStatus.PENDING, "units": sum(part.quantity for part in rows)}
        events.append(SHIPMENTS.event(cast(ShipmentRow, fresh), "planned", "system", data))
        shipments.append({"id": id_, "number": number, "site_id": site, "ship_from": address})
    given = {"order": order.id, "carrier": carrier, "shipments": to_json(shipments)}
    await db.execute(_PLAN, {**given, "lines": to_json(lines), "events": to_add(events)})
    return tuple(planned)
