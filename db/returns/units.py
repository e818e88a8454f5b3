"""Which serial units open returns wait for: those that they name, and those of their parcels."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.inventory.units import UnitRow
from domain.returns.status import PROMISED
from domain.units import serial_key

_AWAITED = text(
    """SELECT r.number, l.order_line_id, l.serials, x.id AS shipment_line_id
    FROM return_lines l JOIN returns r ON r.id = l.return_id
    LEFT JOIN shipment_lines x ON x.shipment_id = r.shipment_id
        AND x.order_line_id = l.order_line_id
    WHERE l.order_line_id = ANY (CAST(:lines AS uuid[])) AND (l.serials <> '[]' OR x.id IS NOT NULL)
        AND r.status = ANY (CAST(:promised AS text[]))
        AND r.id IS DISTINCT FROM CAST(:without AS uuid)"""
)


async def awaited_of(
    db: AsyncConnection, units: Iterable[UnitRow], *, without: UUID | None = None
) -> Mapping[UUID, str]:
    """Return the numbers of the returns that wait for units of locked orders, by the unit's id.

    Of all returns, or of those ``without`` one.
    """
    units = list(units)
    lines = {unit.order_line_id for unit in units if unit.order_line_id is not None}
    given = {"lines": list(lines), "promised": sorted(PROMISED), "without": without}
    named: dict[tuple[UUID, str], str] = {}
    carried: dict[UUID | None, str] = {}
    for row in await db.execute(_AWAITED, given):
        named.update({(row.order_line_id, serial_key(each)): row.number for each in row.serials})
        if row.shipment_line_id is not None:
            carried[row.shipment_line_id] = row.number
    return {
        unit.id: number
        for unit in units
        if unit.order_line_id is not None
        and (
            number := carried.get(unit.shipment_line_id)
            or named.get((unit.order_line_id, unit.serial_key))
        )
    }
