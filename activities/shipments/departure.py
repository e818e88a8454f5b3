"""Departure of a shipment by its first scan: stock, counters and the money owed follow."""

from collections import Counter
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.payments.provider import execute, record_intent, record_outcome
from activities.shipments.following import CARRIER, get_state, journey_of
from db.engine import Database
from db.inventory.movements import Movement
from db.inventory.places import place_id
from db.inventory.posting import post
from db.ledgers import Ledger
from db.orders.tables import OrderRow
from db.orders.writes import counters_of, lines_of
from db.shipments.captures import amount_owed, count_capture, plan_capture, waive_capture
from db.shipments.milestones import record_departure
from db.shipments.picking import sell_units
from db.shipments.refunds import last_refusal
from db.shipments.tables import ShipmentPart, ShipmentRow
from db.shipments.writes import (
    lock_with_order,
    shipment_lines_of,
)
from db.tasks import cancel_tasks, is_open, open_task
from domain.documents import Document, Kind
from domain.inventory import LocationKind, MovementKind
from domain.payments import (
    EntryKind,
    Intent,
    Phase,
    capture_due,
    capture_key,
    lower_capture,
    shipping_due,
)
from domain.shipments.outcomes import Journey
from domain.shipments.status import ShipmentStatus
from domain.tasks import TaskKind
from gateways.payments.port import Outcome, PaymentProvider


async def depart(db: AsyncConnection, order: OrderRow, shipment: ShipmentRow) -> int:
    """Book that a locked booked shipment has left: stock, units, counters, status, money owed.

    Returns that money, in minor units: none for an order whose money was asked for when it was
    confirmed; then the amounts only say what the goods on their way stand for.
    """
    parts = await shipment_lines_of(db, shipment.id)
    units: Counter[UUID] = Counter()
    for part in parts:
        units[part.order_line_id] += part.quantity
    rows = await lines_of(db, order.id)
    lines = {line.id: counters_of(line) for line in rows}
    owed = {line_id: capture_due(line, units[line_id]) for line_id, line in lines.items()}
    shipping = shipping_due(lines.values(), order.shipping_amount + order.shipping_tax_amount)
    state = await get_state(db, shipment.id)
    await record_departure(db, shipment, state, CARRIER, capture=owed, shipping=shipping)
    await sell_units(db, order, shipment, parts, CARRIER)
    # Last, because many orders wait for the balance of a popular item.
    await post(db, [_issue(part) for part in parts])
    return 0 if any(row.captured_units for row in rows) else sum(owed.values()) + shipping


def _issue(part: ShipmentPart) -> Movement:
    return Movement(
        key=f"issue/{part.id}",
        kind=MovementKind.ISSUE,
        item_id=part.item_id,
        quantity=part.quantity,
        from_location_id=part.location_id,
        to_location_id=place_id(LocationKind.CUSTOMER),
        actor=CARRIER,
        document_type="shipment",
        document_id=part.shipment_id,
        line_id=part.order_line_id,
        reservation_id=part.reservation_id,
        lot_id=part.lot_id,
    )


async def capture_intent(
    db: AsyncConnection, ledger: Ledger, shipment: ShipmentRow, amount: int, purpose: str = ""
) -> Intent | None:
    """Record the capture of what a departed shipment owes; None when there is nothing to do.

    A refused capture is not tried again by itself: a person's decision gives a new ``purpose``.
    """
    if not amount:
        return None
    key = capture_key(shipment.id, purpose)
    if any(entry.key == key and entry.phase is Phase.FAILED for entry in ledger.values):
        return None
    # Asked for before, it stays with the payment it was asked of.
    payment = ledger.asked_for(key) or ledger.drawn_on
    if payment is None:
        return None
    return await record_intent(db, payment, EntryKind.CAPTURE, key, amount, shipment.id)


async def take_money(
    books: Database, provider: PaymentProvider, shipment_id: UUID, intent: Intent
) -> Journey:
    """Capture at the provider; a refusal becomes a task for finance."""
    result = await execute(provider, intent)
    async with books.begin() as db:
        order, shipment = await lock_with_order(db, shipment_id)
        news = await record_outcome(db, order, intent, result)
        if news and result.outcome is Outcome.SUCCEEDED:
            await count_capture(db, shipment_id)
            await cancel_tasks(db, shipment_id, TaskKind.CAPTURE_FAILED)
            status = ShipmentStatus(shipment.status)
            return Journey(status=status, settled=shipment.settled_at is not None, owed=False)
        if news:
            await ask_about_capture(db, shipment)
        return await journey_of(db, shipment_id)


async def ask_about_capture(db: AsyncConnection, shipment: ShipmentRow) -> None:
    """Ask finance how money for goods that left is settled; silent while that is asked.

    With the provider's words, where it has refused to take it.

    Also while finance is asked which amount was taken: the money may have moved.
    """
    if await is_open(db, TaskKind.PAYMENT_MISMATCH, shipment.id):
        return
    refused = await last_refusal(db, shipment.id, EntryKind.CAPTURE)
    facts = {
        "shipment": shipment.number,
        "order_id": shipment.order_id,
        "amount": await amount_owed(db, shipment.id),
        "failure_code": refused.code if refused else "",
        "refused": refused.model_dump() if refused else None,
    }
    told = f"The provider refused to pay {refused}." if refused else ""
    asker = Document(Kind.SHIPMENT, shipment.id)
    await open_task(
        db, TaskKind.CAPTURE_FAILED, asker.kind, asker.id, facts, asker=asker, told=told
    )


async def give_up_capture(db: AsyncConnection, shipment: ShipmentRow) -> None:
    """Give up what could not be captured for a locked shipment; what was by hand stays taken."""
    if not shipment.prepaid_amount:
        await waive_capture(db, shipment.id)
        return
    lines, shipping = lower_capture(
        shipment.prepaid_amount,
        await planned_by_line(db, shipment.id),
        shipment.capture_shipping_amount,
    )
    await plan_capture(db, shipment.id, lines, shipping)
    await count_capture(db, shipment.id)


async def planned_by_line(db: AsyncConnection, shipment_id: UUID) -> Counter[UUID]:
    """Return what a hand-over takes for each line of its order, in minor units."""
    by_line: Counter[UUID] = Counter()
    for part in await shipment_lines_of(db, shipment_id):
        by_line[part.order_line_id] += part.capture_amount
    return by_line
