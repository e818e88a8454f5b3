"""Parcels that carriers bring back undelivered, and the returns that they open."""

from collections.abc import Collection, Mapping
from typing import cast
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.returns.tables import ReturnRow

_RETURN = select(ReturnRow.__table__).where(ReturnRow.shipment_id == bindparam("shipment"))
_UNITS = text(
    """SELECT order_line_id, sum(quantity)::int AS units FROM shipment_lines
    WHERE shipment_id = :shipment GROUP BY 1 ORDER BY 1"""
)
_DELIVERED = text(
    """SELECT EXISTS (SELECT FROM parcels p JOIN returns r ON r.shipment_id = p.shipment_id
        WHERE r.id = :return AND p.status = 'delivered')"""
)
_SHIPMENTS = text(
    """SELECT id, shipment_id FROM returns WHERE id = ANY(:returns) AND shipment_id IS NOT NULL"""
).bindparams(bindparam("returns", type_=ARRAY(Uuid)))


async def find_return_of(db: AsyncConnection, shipment_id: UUID) -> ReturnRow | None:
    """Return the return that a shipment which came back has opened, if it has."""
    found = (await db.execute(_RETURN, {"shipment": shipment_id})).one_or_none()
    return cast(ReturnRow | None, found)


async def units_of(db: AsyncConnection, shipment_id: UUID) -> dict[UUID, int]:
    """Return the units of each order's line in a shipment."""
    rows = await db.execute(_UNITS, {"shipment": shipment_id})
    return {row.order_line_id: row.units for row in rows}


async def is_partly_delivered(db: AsyncConnection, return_id: UUID) -> bool:
    """Whether a parcel of the shipment that opened a return was delivered after all."""
    return bool((await db.execute(_DELIVERED, {"return": return_id})).scalar_one())


async def shipments_of(db: AsyncConnection, returns: Collection[UUID]) -> Mapping[UUID, UUID]:
    """Return the shipments that returns were opened for, by the return."""
    rows = await db.execute(_SHIPMENTS, {"returns": list(returns)})
    return {row.id: row.shipment_id for row in rows}
