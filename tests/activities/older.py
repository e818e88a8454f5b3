"""Refunds as the release before refunds were documents left them: entries that name a shipment."""

from uuid import UUID

from sqlalchemy import text

from activities.payments.provider import execute, record_intent, record_outcome
from activities.shipments.settlement import write_off
from db.documents import ORDERS
from db.ledgers import ledger_of
from db.shipments.writes import lock_with_order
from db.tasks import answer_task, open_task
from domain.documents import Kind
from domain.ids import OrderId, ShipmentId, TaskId
from domain.payments import EntryKind, Intent, refund_key
from domain.shipments.outcomes import ShipmentDecision
from domain.tasks import Decision, TaskKind
from tests.activities.bench import Bench
from tests.activities.crossing import decide, lost

GOODS, POSTAGE = 2700, 500
_PLAN = text("UPDATE shipments SET refund_shipping_amount = :postage WHERE id = :shipment")
_COUNT = text(
    """UPDATE order_lines SET refunded_units = :units, refunded_amount = :amount
    WHERE order_id = :order"""
)


async def under_way(bench: Bench) -> tuple[OrderId, ShipmentDecision, Intent]:
    """Leave a refund of a lost parcel whose outcome is not recorded."""
    order, shipment = await lost(bench)
    answer = await decide(bench, shipment, "parcel_lost", "refund")
    intent = await _intend(bench, order, shipment, answer.decision.task_id)
    async with bench.shop.books.begin() as db:
        await db.execute(_PLAN, {"postage": POSTAGE, "shipment": shipment})
    return order, answer, intent


async def given_back(bench: Bench) -> tuple[OrderId, ShipmentId, Intent]:
    """Leave a refund of a lost parcel that succeeded."""
    order, answer, intent = await under_way(bench)
    result = await execute(bench.at_payments, intent)
    async with bench.shop.books.begin() as db:
        row, shipment = await lock_with_order(db, answer.shipment_id)
        await record_outcome(db, row, intent, result)
        await write_off(db, row, shipment, refunded=True)
        await db.execute(_COUNT, {"units": 1, "amount": GOODS, "order": order})
    return order, answer.shipment_id, intent


async def came_back(bench: Bench) -> tuple[OrderId, ShipmentId, TaskId]:
    """Leave a question about a refund that had succeeded and came back."""
    order, shipment, intent = await given_back(bench)
    await bench.payments.ask(
        "POST", "/sandbox/operations/settle", {"key": intent.key, "outcome": "failed"}
    )
    facts = {"goods": GOODS, "postage": POSTAGE, "currency": "USD", "refused": None}
    async with bench.shop.books.begin() as db:
        await db.execute(
            text(
                "INSERT INTO payment_entries (id, payment_id, kind, phase, key, amount,"
                " shipment_id) SELECT gen_random_uuid(), payment_id, kind, 'reversed', key, amount,"
                " shipment_id FROM payment_entries WHERE key = :key AND phase = 'succeeded'"
            ),
            {"key": intent.key},
        )
        await db.execute(_COUNT, {"units": 0, "amount": 0, "order": order})
        await db.execute(_PLAN, {"postage": 0, "shipment": shipment})
        await open_task(db, TaskKind.REFUND_FAILED, Kind.SHIPMENT, shipment, facts)
    query = (
        "SELECT id FROM tasks WHERE document_id = :id AND kind = 'refund_failed'"
        " AND status = 'open'"
    )
    return order, shipment, TaskId(await bench.shop.one(query, id=shipment))


async def told_to_try_again(bench: Bench, *, begun: bool = False) -> tuple[OrderId, ShipmentId]:
    """Leave a run that was told to try once more, and has perhaps begun to."""
    order, shipment, task = await came_back(bench)
    async with bench.shop.books.begin() as db:
        await answer_task(db, Decision(task_id=task, choice="retry", actor="person"))
    if begun:
        await _intend(bench, order, shipment, task)
    return order, shipment


async def _intend(bench: Bench, order: OrderId, shipment: ShipmentId, task: UUID) -> Intent:
    async with bench.shop.books.begin() as db:
        await ORDERS.lock(db, order)
        payment = (await ledger_of(db, order)).charged_for(shipment)
        assert payment is not None
        key = refund_key(shipment, task)
        amount = GOODS + POSTAGE
        return await record_intent(db, payment, EntryKind.REFUND, key, amount, shipment)
