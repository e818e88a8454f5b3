"""Refunds that a release before refunds were documents has begun: each becomes a document.

Their entries name the shipment alone. What succeeded long ago stays as it is; what was under way
when this release came is ended under its old key, and what fails from now on is tried again by its
document.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.payments.amounts import question_amount
from activities.payments.provider import amount_differs, execute, record_intent, record_outcome
from activities.refunds.accepting import begin_refund
from activities.refunds.settling import fail_refund, settle_refund
from activities.shipments.settlement import parts_of, write_off
from db.documents import ORDERS, REFUNDS, SHIPMENTS
from db.engine import Database
from db.ledgers import Ledger, ledger_of
from db.orders.tables import OrderRow
from db.orders.writes import count_up
from db.payments import KnownEntry, find_by_key
from db.reads.tasks import get_task
from db.refunds.tables import RefundRow
from db.refunds.writes import write_refund
from db.shipments.refunds import add_postage, refund_again
from db.shipments.tables import ShipmentRow
from db.shipments.writes import lock_with_order, shipment_lines_of
from db.tasks import TaskRow, answer_task
from domain.answers import RefundAnswer
from domain.ids import following_id, new_id
from domain.money import split
from domain.payments import POSTAGE, EntryKind, Intent, Phase
from domain.refunds.status import RefundSource
from domain.tasks import Decision, TaskKind
from gateways.payments.port import Outcome, PaymentProvider, PaymentResult


async def end_older_refunds(books: Database, provider: PaymentProvider, order_id: UUID) -> None:
    """Learn how the refunds of an order ended that an older release asked the provider for."""
    async with books.begin() as db:
        order = await ORDERS.lock(db, order_id)
        ledger = await ledger_of(db, order_id)
        intents = [
            await record_intent(db, ledger.payment(asked.payment_id), *_as_asked(asked))
            for asked in await _under_way(db, ledger)
        ]
    for intent in intents:
        result = await execute(provider, intent)
        async with books.begin() as db:
            order = await ORDERS.lock(db, order_id)
            await _end(db, order, intent, result)


async def _under_way(db: AsyncConnection, ledger: Ledger) -> list[KnownEntry]:
    keys = {entry.value.key for entry in ledger.entries if entry.value.kind is EntryKind.REFUND}
    unknown = [key for key in sorted(keys) if ledger.phases(key) == {Phase.REQUESTED}]
    asked = [(await find_by_key(db, key))[0] for key in unknown]
    return [entry for entry in asked if entry.refund_id is None]


def _as_asked(asked: KnownEntry) -> tuple[EntryKind, str, int, UUID | None]:
    return asked.kind, asked.key, asked.amount, asked.shipment_id


async def _end(db: AsyncConnection, order: OrderRow, intent: Intent, result: PaymentResult) -> None:
    [asked, *later] = await find_by_key(db, intent.key)
    if later:
        return
    if amount_differs(intent, result):
        await question_amount(db, order, intent, result)
    elif result.outcome is Outcome.SUCCEEDED:
        refund = await adopt(db, order, asked, asked.amount, result.reference)
        await record_outcome(db, order, replace(intent, refund_id=refund.id), result)
    else:
        await record_outcome(db, order, intent, result)
        goods, postage = await _take_apart(db, asked)
        shipment = await SHIPMENTS.lock(db, _shipment_of(asked))
        if shipment.settled_at is not None:
            await _document_failure(db, order, asked, goods, postage, result)


async def adopt(
    db: AsyncConnection,
    order: OrderRow,
    asked: KnownEntry,
    amount: int,
    reference: str | None,
    actor: str = "provider",
) -> RefundRow:
    """Make a document of what was given back (minor units) as a locked order's entry asked for.

    Writes its shipment off, if that waited for the money.
    """
    goods, postage = await _take_apart(db, asked)
    shipment = await SHIPMENTS.lock(db, _shipment_of(asked))
    refund = await _document(db, order, shipment, asked.payment_id, goods, postage)
    await settle_refund(db, refund, amount, reference, actor=actor)
    if shipment.settled_at is None:
        await write_off(db, order, shipment, refunded=True)
    return refund


async def come_back(
    db: AsyncConnection, order: OrderRow, done: KnownEntry, told: PaymentResult
) -> None:
    """Make a document of a success of a locked order's money that the provider took back.

    What the lines, and the shipment's postage, count of it is counted no more.
    """
    goods, postage = await _take_apart(db, done, counted=True)
    parts = await shipment_lines_of(db, _shipment_of(done))
    amounts = split(goods, [part.capture_amount for part in parts])
    for part, amount in zip(parts, amounts, strict=True):
        if goods:
            units, given = -part.quantity, -amount
            line = part.order_line_id
            await count_up(db, line, refunded_units=units, refunded_amount=given)
    await _document_failure(db, order, done, goods, postage, told)


async def settle_failed_refund(db: AsyncConnection, task: TaskRow, decision: Decision) -> None:
    """Record how the customer gets money that came back, as an older release had asked.

    To try it once more is a refund that this person has asked for. Raises IllegalMove for what was
    not offered or is decided.
    """
    order, shipment = await lock_with_order(db, task.document_id)
    await answer_task(db, decision)
    if decision.choice == RefundAnswer.RETRY:
        await _again(db, order, shipment, task.id, task.facts, decision.actor)


async def go_on_again(db: AsyncConnection, order: OrderRow, shipment: ShipmentRow) -> None:
    """Give back what an older release was told to try again, and has not tried."""
    if task := await refund_again(db, shipment.id):
        await _again(db, order, shipment, task.id, task.facts, task.closed_by)


async def _take_apart(
    db: AsyncConnection, asked: KnownEntry, *, counted: bool = False
) -> tuple[int, int]:
    """Return what of an entry is for goods, and for postage, which its shipment counts no more.

    That of a further try was counted only once it had succeeded.
    """
    shipment_id, amount = _shipment_of(asked), asked.amount
    purpose = asked.key.rpartition("/")[2]
    if purpose == POSTAGE:
        goods, counted = 0, True
    else:
        task = await get_task(db, UUID(purpose))
        if task.kind == TaskKind.REFUND_FAILED:
            goods = min(amount, task.facts["goods"])
        else:
            captured = sum(part.capture_amount for part in await shipment_lines_of(db, shipment_id))
            goods, counted = min(amount, captured), True
    if counted:
        await add_postage(db, shipment_id, goods - amount)
    return goods, amount - goods


async def _document(
    db: AsyncConnection,
    order: OrderRow,
    shipment: ShipmentRow,
    payment_id: UUID,
    goods: int,
    postage: int,
    refund_id: UUID | None = None,
    actor: str = "system",
) -> RefundRow:
    return await write_refund(
        db,
        refund_id or new_id(),
        order,
        payment_id,
        await parts_of(db, order, shipment.id, goods, postage),
        source=RefundSource.SHIPMENT,
        reason=f"{shipment.number} is {shipment.status}",
        actor=actor,
        shipment_id=shipment.id,
    )


def _shipment_of(asked: KnownEntry) -> UUID:
    assert asked.shipment_id is not None
    return asked.shipment_id


async def _again(
    db: AsyncConnection,
    order: OrderRow,
    shipment: ShipmentRow,
    task_id: UUID,
    facts: Mapping[str, Any],
    actor: str,
) -> None:
    payment = (await ledger_of(db, order.id)).charged_for(shipment.id)
    if payment is None:
        return
    goods, postage = facts["goods"], facts["postage"]
    refund = await _document(
        db, order, shipment, payment.id, goods, postage, following_id(task_id, "refund", 0), actor
    )
    await begin_refund(db, refund, by_person=False)


async def _document_failure(
    db: AsyncConnection,
    order: OrderRow,
    asked: KnownEntry,
    goods: int,
    postage: int,
    told: PaymentResult,
) -> None:
    """Make a document of a refund whose money is ours, so that finance can try it again."""
    shipment = await SHIPMENTS.lock(db, _shipment_of(asked))
    refund = await _document(db, order, shipment, asked.payment_id, goods, postage)
    await begin_refund(db, refund, by_person=False)
    await fail_refund(
        db, await REFUNDS.lock(db, refund.id), told.failure_code, told.failure_message
    )
