"""Money that was captured by hand: it pays for goods that left, before their own capture does."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.shipments.settlement import signal_order
from db.documents import SHIPMENTS
from db.ledgers import Ledger
from db.orders.by_hand import prepaid_of
from db.orders.tables import OrderRow
from db.outbox import signal
from db.shipments.captures import (
    amount_owed,
    count_capture,
    unpaid_shipments,
    use_prepaid,
)
from db.shipments.tables import ShipmentRow
from db.tasks import cancel_tasks
from domain.documents import Document, Kind, Signal
from domain.orders.by_hand import taken_by_hand
from domain.payments import EntryKind, Phase, capture_key
from domain.tasks import TaskKind


async def pay_from_prepaid(
    db: AsyncConnection, ledger: Ledger, order_id: UUID, shipment_id: UUID, owed: int
) -> int:
    """Pay for a locked shipment that left, as far as its order's money was captured by hand.

    ``owed`` in minor units, of which is returned what is left to capture. What the provider is
    being asked for already stays so.
    """
    by_hand = any(taken_by_hand(ledger.of(row.id), row.id) for row in ledger.payments)
    if not owed or not by_hand or _is_capturing(ledger, shipment_id):
        return owed
    used = min(owed, max(0, await prepaid_of(db, order_id)))
    if not used:
        return owed
    await use_prepaid(db, shipment_id, used)
    if used == owed:
        await count_capture(db, shipment_id)
        await cancel_tasks(db, shipment_id, TaskKind.CAPTURE_FAILED)
    return owed - used


async def pay_what_left(
    db: AsyncConnection, ledger: Ledger, order: OrderRow
) -> list[tuple[ShipmentRow, int]]:
    """Pay so for all that left of a locked order; returns what is still unpaid of it."""
    unpaid = []
    for shipment_id in await unpaid_shipments(db, order.id):
        shipment = await SHIPMENTS.lock(db, shipment_id)
        owed = await amount_owed(db, shipment_id)
        if left := await pay_from_prepaid(db, ledger, order.id, shipment_id, owed):
            unpaid.append((shipment, left))
            continue
        await signal(db, Document(Kind.SHIPMENT, shipment_id), Signal.CARRIER_REPORTED)
        if shipment.settled_at is not None:
            await signal_order(db, shipment)
    return unpaid


def _is_capturing(ledger: Ledger, shipment_id: UUID) -> bool:
    key = capture_key(shipment_id)
    asked = {each.key for each in ledger.values if each.kind is EntryKind.CAPTURE}
    own = (each for each in asked if each == key or each.startswith(f"{key}/"))
    return any(ledger.phases(each) == {Phase.REQUESTED} for each in own)
