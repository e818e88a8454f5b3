"""What is written of returns beside their moves: new ones, arrivals, and dispositions."""

from collections.abc import Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from db.documents import ORDERS, RETURNS
from db.engine import to_json
from db.items import known_by
from db.orders.tables import OrderRow
from db.returns.tables import DispositionRow, ReturnLineRow, ReturnRow
from domain.access import EVERYTHING, Reach
from domain.errors import NotFound
from domain.ids import new_id
from domain.returns.requests import InspectedUnits, ReturnLine
from domain.returns.terms import Terms

_ORDERS_OF = text(
    """SELECT DISTINCT l.order_id FROM return_lines r JOIN order_lines l ON l.id = r.order_line_id
    WHERE r.return_id = :return ORDER BY 1"""
)


async def lock_return(
    db: AsyncConnection, return_id: UUID, reach: Reach = EVERYTHING
) -> tuple[Mapping[UUID, OrderRow], ReturnRow]:
    """Lock and return a return with the orders of its lines, by their ids.

    The orders first, as everything does that counts their units or moves their money. Raises
    NotFound, also for a return out of ``reach``.
    """
    ids = list((await db.execute(_ORDERS_OF, {"return": return_id})).scalars())
    orders = {order_id: await ORDERS.lock(db, order_id) for order_id in ids}
    found = await RETURNS.lock(db, return_id)
    if not reach.covers(found.customer_id, orders[found.order_id].source):
        raise NotFound(f"there is no return {return_id}")
    return orders, found


async def write_return(
    db: AsyncConnection,
    values: Mapping[str, Any],
    lines: Sequence[ReturnLine],
    terms: Mapping[UUID, Terms],
    actor: str,
) -> ReturnRow:
    """Write a new return with its lines and its first event, and promise their units to it.

    ``terms`` are those of the orders' lines.
    """
    query = insert(ReturnRow).values(**values).returning(ReturnRow.__table__)
    made = cast(ReturnRow, (await db.execute(query)).one())
    rows = [
        {
            "id": new_id(),
            "return_id": made.id,
            "order_line_id": line.order_line_id,
            "quantity": line.quantity,
            "reason": line.reason,
            "comment": line.comment,
            "evidence": list(line.evidence),
            "condition_declared": line.condition_declared,
            "serials": list(line.serials),
            "restocking_fee_rate": terms[line.order_line_id].fee_rate,
            "days_left": (days := terms[line.order_line_id].days) and days.left,
            "days_of": days and days.of,
            "window_days": terms[line.order_line_id].window.days,
            "window_until": terms[line.order_line_id].window.until,
        }
        for line in lines
    ]
    await db.execute(insert(ReturnLineRow), rows)
    await count_promised(db, made.id)
    units = sum(line.quantity for line in lines)
    await RETURNS.add_event(db, made, RETURNS.made, actor, {"units": units})
    return made


_PROMISE = text(
    """UPDATE order_lines l SET coming_back = l.coming_back + :times * (r.quantity - r.received),
        undelivered = l.undelivered + CASE b.kind WHEN 'undeliverable'
            THEN :times * (r.quantity - r.received) ELSE 0 END
    FROM return_lines r JOIN returns b ON b.id = r.return_id
    WHERE r.return_id = :return AND l.id = r.order_line_id"""
)


async def count_promised(db: AsyncConnection, return_id: UUID, times: int = 1) -> None:
    """Count what has not come of a return as on its way; -1 ``times`` gives it back."""
    await db.execute(_PROMISE, {"return": return_id, "times": times})


_ARRIVE = text(
    """WITH given AS (
        SELECT * FROM jsonb_to_recordset(CAST(:units AS jsonb)) AS g(id uuid, quantity int)),
    arrived AS (
        UPDATE return_lines r SET received = r.received + g.quantity FROM given g
        WHERE r.id = g.id RETURNING r.order_line_id, g.quantity),
    stamped AS (UPDATE returns SET last_received_at = now() WHERE id = :return)
    UPDATE order_lines l SET coming_back = l.coming_back - a.quantity, returned = l.returned
        + a.quantity FROM arrived a WHERE l.id = a.order_line_id"""
)


async def count_received(db: AsyncConnection, return_id: UUID, units: Mapping[UUID, int]) -> None:
    """Count units, by the return's line, as arrived; the table's checks bound them."""
    given = [{"id": line_id, "quantity": quantity} for line_id, quantity in units.items()]
    await db.execute(_ARRIVE, {"return": return_id, "units": to_json(given)})


_THEIRS_AGAIN = text(
    """UPDATE order_lines l SET returned = l.returned - d.units FROM (
        SELECT x.order_line_id, sum(d.quantity) AS units FROM return_dispositions d
        JOIN return_lines x ON x.id = d.return_line_id WHERE d.id = ANY(:ids) GROUP BY 1) d
    WHERE l.id = d.order_line_id"""
)


async def count_theirs_again(db: AsyncConnection, dispositions: Sequence[UUID]) -> None:
    """Count goods that went back to their customer as not returned: they may come in again."""
    await db.execute(_THEIRS_AGAIN, {"ids": list(dispositions)})


class GoodsRow(ReturnLineRow):
    """A return's line with what is known of its goods, and of those how many were inspected."""

    __abstract__ = True
    order_id: UUID
    item_id: UUID
    sku: str
    tracking: str
    """Whether its units have serials, or lots."""
    inspected: int
    accepted: int
    rejected: int
    deducted: int
    """What is kept of the money for the accepted ones, because of their state."""


_GOODS = text(
    f"""SELECT r.*, l.order_id, l.item_id, l.sku, {known_by("l")} AS tracking,
        coalesce(d.units, 0)::int AS inspected, coalesce(d.accepted, 0)::int AS accepted,
        coalesce(d.deducted, 0)::bigint AS deducted,
        (coalesce(d.units, 0) - coalesce(d.accepted, 0))::int AS rejected
    FROM return_lines r JOIN order_lines l ON l.id = r.order_line_id
    JOIN items i ON i.id = l.item_id
    LEFT JOIN LATERAL (SELECT sum(x.quantity) AS units,
            sum(x.quantity) FILTER (WHERE x.accepted) AS accepted,
            sum(x.deduction_amount) AS deducted FROM return_dispositions x
        WHERE x.return_line_id = r.id AND x.revised_at IS NULL) d ON true
    WHERE r.return_id = :return ORDER BY l.order_id, l.position"""
)


async def goods_of(db: AsyncConnection, return_id: UUID) -> Sequence[GoodsRow]:
    """Return the lines of a return."""
    return cast(Sequence[GoodsRow], (await db.execute(_GOODS, {"return": return_id})).all())


async def write_disposition(
    db: AsyncConnection,
    units: InspectedUnits,
    location_id: UUID | None,
    inspector: str,
    *,
    came: bool = True,
    lot_id: UUID | None = None,
) -> UUID:
    """Write what became of units of a return's line; return the disposition's id.

    They ``came``, unless they were lost on their way; of an item with lots they are of one.
    """
    disposition_id = new_id()
    await db.execute(
        insert(DispositionRow).values(
            id=disposition_id,
            return_line_id=units.return_line_id,
            quantity=units.quantity,
            disposition=units.disposition,
            accepted=units.accepted,
            location_id=location_id,
            came=came,
            lot_id=lot_id,
            condition=units.condition_code or "",
            note=units.remarks,
            deduction_amount=units.deduction.amount.amount if units.deduction else 0,
            deduction_reason=units.deduction.reason if units.deduction else "",
            inspector=inspector,
        )
    )
    return disposition_id


class StandingRow(DispositionRow):
    """A disposition that counts, with the item of its goods."""

    __abstract__ = True
    item_id: UUID
    order_line_id: UUID
    tracking: str
    """Whether the item's units have serials, or lots."""
    lot: str | None
    """The code of their lot."""


_STANDING = text(
    f"""SELECT d.*, l.item_id, r.order_line_id, {known_by("l")} AS tracking, t.code AS lot
    FROM return_dispositions d JOIN return_lines r ON r.id = d.return_line_id
    JOIN order_lines l ON l.id = r.order_line_id JOIN items i ON i.id = l.item_id
    LEFT JOIN lots t ON t.id = d.lot_id
    WHERE r.return_id = :return AND d.revised_at IS NULL ORDER BY d.id"""
)


async def standing_of(db: AsyncConnection, return_id: UUID) -> Sequence[StandingRow]:
    """Return the dispositions of a return that none has taken the place of."""
    found = (await db.execute(_STANDING, {"return": return_id})).all()
    return cast(Sequence[StandingRow], found)


_MARK = {
    column: text(f"UPDATE return_dispositions SET {column} = now() WHERE id = ANY(:ids)")
    for column in ("revised_at", "left_at")
}


async def mark_revised(db: AsyncConnection, ids: Sequence[UUID]) -> None:
    """Write that dispositions count no more."""
    await db.execute(_MARK["revised_at"], {"ids": list(ids)})


async def mark_left(db: AsyncConnection, ids: Sequence[UUID]) -> None:
    """Write that the goods of dispositions have left the house."""
    await db.execute(_MARK["left_at"], {"ids": list(ids)})


_PLACE = text(
    """SELECT c.id FROM locations c WHERE c.site_id = :site AND c.kind = :kind AND c.active
        AND (CAST(:location AS uuid) IS NULL OR c.id = :location)
    ORDER BY c.id IN (SELECT x.location_id FROM shipment_lines x
        WHERE x.order_line_id = :line) DESC, c.code LIMIT 1"""
)


async def find_place(
    db: AsyncConnection, site_id: UUID, kind: str, line_id: UUID, location_id: UUID | None
) -> UUID | None:
    """Return a site's active location of a kind: the wanted one, or that which the goods left from.

    None when there is none, or the wanted one is not of that kind.
    """
    given = {"site": site_id, "kind": kind, "line": line_id, "location": location_id}
    return (await db.execute(_PLACE, given)).scalar_one_or_none()
