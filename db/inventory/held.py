"""Counted goods at a location that returns have still to inspect, to mend or to send off."""

from collections.abc import Mapping
from decimal import Decimal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.sources import of_source
from domain.access import Reach
from domain.errors import IllegalMove
from domain.quantities import plain
from domain.returns.status import DONE_WITH

# What has not been inspected, and what goes to the customer again, lies in quarantine.
_HELD = text(
    f"""SELECT r.id, r.number, h.units,
        CAST(:source AS text) IS NULL OR {of_source("'return'", "r.id")} AS told
    FROM (SELECT l.return_id, sum(g.units)::int AS units
        FROM order_lines o JOIN return_lines l ON l.order_line_id = o.id
        JOIN returns b ON b.id = l.return_id
        CROSS JOIN LATERAL (
            SELECT b.quarantine_id AS place, l.received - coalesce(sum(d.quantity), 0) AS units
            FROM return_dispositions d WHERE d.return_line_id = l.id AND d.revised_at IS NULL
            UNION ALL
            SELECT coalesce(d.location_id, b.quarantine_id), d.quantity
            FROM return_dispositions d WHERE d.return_line_id = l.id AND d.revised_at IS NULL
                AND d.came AND d.left_at IS NULL
                AND d.disposition <> ALL (CAST(:done AS text[]))) g
        WHERE o.item_id = :item AND l.received > 0 AND g.place = :location
        GROUP BY l.return_id HAVING sum(g.units) > 0) h
    JOIN returns r ON r.id = h.return_id ORDER BY r.id"""
)
_MOST_TOLD = 20


async def refuse_to_take_returned(
    db: AsyncConnection,
    wanted: Decimal,
    free: Decimal,
    where: Mapping[str, UUID | None],
    reach: Reach,
) -> None:
    """Raise IllegalMove where of so many free goods at a locked balance less are no return's.

    The returns are named to those whose ``reach`` they are in.
    """
    given = {**where, "done": sorted(DONE_WITH), "source": reach.source}
    held = (await db.execute(_HELD, given)).all()
    units = sum(each.units for each in held)
    if not held or wanted <= free - units:
        return
    told = [each for each in held if each.told]
    whose = "returns, which say"
    if len(held) == 1 and told:
        whose = f"{told[0].number}, which says"
    raise IllegalMove(
        f"{units} of these came back with {whose} what becomes of them: only"
        f" {plain(max(free - units, Decimal(0)))} can be counted out",
        current_status="returned",
        allowed=[],
        holders=[
            {"document_type": "return", "document_id": str(each.id), "quantity": str(each.units)}
            for each in told[:_MOST_TOLD]
        ],
    )
