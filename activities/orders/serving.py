"""Orders that waited for stock and got some: their lines, their event, and their runs."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from db.documents import ORDERS
from db.inventory.movements import LinePick
from db.orders.backorders import backordered_units, settle_short
from db.orders.tables import OrderRow
from db.outbox import signal
from db.tasks import cancel_tasks
from domain.documents import Document, Kind, Signal
from domain.tasks import TaskKind


async def tell_served(
    db: AsyncConnection, order: OrderRow, site_id: UUID, picks: Sequence[LinePick]
) -> None:
    """Append what a locked order was given, and have its run plan that."""
    await settle_short(db, order.id)
    await ORDERS.change(db, order)
    plan = [
        {
            "item_id": pick.item_id,
            "location_id": pick.location_id,
            "site_id": site_id,
            **({"lot_id": pick.lot_id} if pick.lot_id else {}),
            "quantity": int(pick.quantity),
        }
        for pick in picks
    ]
    data = {"plan": plan, "backordered": await backordered_units(db, order.id)}
    if not data["backordered"]:
        await cancel_tasks(db, order.id, TaskKind.SHORTAGE_REVIEW)
    await ORDERS.add_event(db, order, "stock_reserved", "system", data)
    await signal(db, Document(Kind.ORDER, order.id), Signal.GOODS_RESERVED)
