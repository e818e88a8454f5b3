"""Refunds that came back: the provider had given the money, and later says that it could not.

What was counted as given back is counted no more, and finance is asked how the customer gets it.
A second try is a refund of its own, under a key that names the answer.
"""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.payments.provider import record_intent
from activities.shipments.settlement import count_refund, goods_in
from db.ledgers import ledger_of
from db.orders.tables import OrderRow
from db.outbox import signal
from db.reads.tasks import find_task
from db.shipments.refunds import add_postage, last_refusal, refund_again
from db.shipments.tables import ShipmentRow
from db.shipments.writes import lock_with_order, shipment_lines_of
from db.tasks import TaskRow, answer_task, open_task
from domain.answers import RefundAnswer
from domain.documents import Document, Kind, Signal
from domain.payments import POSTAGE, EntryKind, Intent, refund_key
from domain.tasks import Decision, TaskKind


async def uncount_refund(
    db: AsyncConnection, shipment: ShipmentRow, key: str, amount: int
) -> tuple[int, int]:
    """Take a refund of a locked shipment off what was given back, in minor units.

    Returns what of it was for goods, and for postage.
    """
    goods, postage = await _parts_of(db, shipment, key, amount)
    await count_refund(db, await shipment_lines_of(db, shipment.id), goods, times=-1)
    await add_postage(db, shipment.id, -postage)
    return goods, postage


async def recount_refund(db: AsyncConnection, shipment: ShipmentRow, key: str, amount: int) -> None:
    """Count what was given back (minor units) for a settled shipment by a further try."""
    goods, postage = await _parts_of(db, shipment, key, amount)
    await count_refund(db, await shipment_lines_of(db, shipment.id), goods)
    await add_postage(db, shipment.id, postage)


async def ask_about_refund(
    db: AsyncConnection, order: OrderRow, shipment: ShipmentRow, goods: int, postage: int
) -> None:
    """Ask finance how the customer of an order gets money (minor units) that came back to us."""
    refused = await last_refusal(db, shipment.id, EntryKind.REFUND)
    facts = {
        "shipment": shipment.number,
        "order_id": shipment.order_id,
        "goods": goods,
        "postage": postage,
        "currency": order.currency,
        "refused": refused.model_dump() if refused else None,
    }
    told = f"The provider could not give back {refused}." if refused else ""
    kind = TaskKind.REFUND_FAILED
    await open_task(db, kind, Kind.SHIPMENT, shipment.id, facts, told=told)


async def settle_failed_refund(db: AsyncConnection, task: TaskRow, decision: Decision) -> None:
    """Record how the customer gets the money; have the shipment's run ask for it once more.

    Raises IllegalMove for what was not offered or is decided.
    """
    await lock_with_order(db, task.document_id)
    await answer_task(db, decision)
    if decision.choice == RefundAnswer.RETRY:
        await signal(db, Document(Kind.SHIPMENT, task.document_id), Signal.CARRIER_REPORTED)


async def next_try(
    db: AsyncConnection, order: OrderRow, shipment: ShipmentRow
) -> tuple[Intent, int, int] | None:
    """Record the refund that a person wants tried again; None when there is none.

    Returns with it what of it is for goods, and for postage (minor units).
    """
    task = await refund_again(db, shipment.id)
    payment = (await ledger_of(db, order.id)).charged_for(shipment.id)
    if task is None or payment is None:
        return None
    goods, postage = task.facts["goods"], task.facts["postage"]
    key = refund_key(shipment.id, str(task.id))
    intent = await record_intent(db, payment, EntryKind.REFUND, key, goods + postage, shipment.id)
    return intent, goods, postage


async def _parts_of(
    db: AsyncConnection, shipment: ShipmentRow, key: str, amount: int
) -> tuple[int, int]:
    purpose = key.rpartition("/")[2]
    if purpose == POSTAGE:
        return 0, amount
    task = await find_task(db, UUID(purpose))
    if task is not None and task.kind == TaskKind.REFUND_FAILED:
        goods = min(amount, task.facts["goods"])
    else:
        goods = goods_in(amount, await shipment_lines_of(db, shipment.id))
    return goods, amount - goods
