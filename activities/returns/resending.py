"""Goods that got lost which replaced those of a return: asked about, sent once more, or paid back.

What is given for a lost shipment is decided once (activities/shipments/losing.py); the return's run
carries it out, as it does for the goods that came.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.returns.estimating import OrderDue, Units, dues_of, label_fee_due, units_of
from activities.returns.promising import promise_dues
from activities.returns.replacing import (
    is_all_owed,
    order_anew,
    refund_lost,
    replacement,
    wait_for_stock,
)
from activities.returns.stopping import stop_return
from db.documents import RETURNS
from db.events import add_events
from db.orders.reads import get_order_row
from db.orders.tables import OrderRow
from db.outbox import signal
from db.refunds.chargebacks import undecided_chargebacks
from db.returns.losses import (
    LossRow,
    LostReplacement,
    add_loss,
    drop_losses,
    find_owing,
    items_of,
    owe_instead,
    owed_items,
    pending_losses,
    settle_losses,
)
from db.returns.reads import get_return
from db.returns.returnable import refunded_by
from db.returns.tables import ReturnRow
from db.returns.writes import GoodsRow, goods_of
from db.tasks import cancel_tasks, open_task
from domain.answers import ReplacementLostAnswer
from domain.documents import Document, Kind, Signal
from domain.errors import AmountExceeded, DomainError
from domain.ids import following_id
from domain.money import Money
from domain.policy import Policy
from domain.returns.status import GIVEN_UP, Resolution, ResolutionWanted, ReturnStatus
from domain.shipments.status import ShipmentStatus
from domain.tasks import TaskKind

_INSPECTED = (ReturnStatus.INSPECTED, ReturnStatus.CLOSED)


async def ask_about_loss(db: AsyncConnection, lost: LostReplacement, policy: Policy) -> None:
    """Ask support about a locked lost shipment of a replacement; silent while that is asked.

    With what was paid for the goods that it replaced, as far as that can still go back.
    """
    found = await get_return(db, lost.return_id)
    units = await items_of(db, lost.shipment_id)
    goods = await goods_of(db, found.id)
    orders = {each: await get_order_row(db, each) for each in {line.order_id for line in goods}}
    owed = await dues_of_lost(db, orders, found, goods, units, policy)
    amount = Money(amount=sum(each.due.amount for each in owed), currency=found.currency)
    skus = {line.item_id: line.sku for line in goods}
    facts = {
        "return": found.number,
        "return_id": found.id,
        "order": lost.order,
        "order_id": lost.order_id,
        "shipment": lost.shipment,
        "units": sum(units.values()),
        "goods": [{"sku": skus[item], "quantity": count} for item, count in units.items()],
        "amount": amount.model_dump(),
    }
    told = (
        f"{sum(units.values())} units of {lost.order}, which replaces goods of {found.number}, are"
        f" lost with {lost.shipment}; {amount} can go back for them."
    )
    without: list[ReplacementLostAnswer] = []
    if found.status in GIVEN_UP:
        # Who has the goods of a return that came to nothing is owed nothing in their place.
        without = [ReplacementLostAnswer.REPLACE, ReplacementLostAnswer.REFUND]
    elif not amount.amount and not await undecided_chargebacks(db, *orders):
        without = [ReplacementLostAnswer.REFUND]
    kind = TaskKind.REPLACEMENT_LOST
    about = (Kind.SHIPMENT, lost.shipment_id)
    await open_task(db, kind, *about, facts, told=told, without=without)


async def dues_of_lost(
    db: AsyncConnection,
    orders: Mapping[UUID, OrderRow],
    found: ReturnRow,
    goods: Sequence[GoodsRow],
    more: Counter[UUID],
    policy: Policy,
) -> list[OrderDue]:
    """Return what a return owes of each order for what got lost in the place of its goods.

    That is for the losses whose answer is money and for ``more`` units, by item, less what went
    back, and less what the label of the goods costs. Of goods that are not inspected yet, as if
    they were accepted.
    """
    units = await _units_owed(db, found, goods, more)
    if not any(each.quantity for each in units):
        return []
    fee = await label_fee_due(db, found)
    fee = found.label_fee_amount if fee is None else fee
    return await dues_of(db, orders, found, units, policy, fee)


async def _units_owed(
    db: AsyncConnection, found: ReturnRow, goods: Sequence[GoodsRow], more: Counter[UUID]
) -> list[Units]:
    left = await owed_items(db, found.id) + more
    before = await refunded_by(db, found.id)
    for line in goods:
        left[line.item_id] -= before.get(line.order_line_id, 0)
    units = []
    for line in goods:
        given = before.get(line.order_line_id, 0)
        most = line.accepted if found.status in _INSPECTED else line.quantity - line.rejected
        quantity = max(0, min(most - given, left[line.item_id]))
        left[line.item_id] -= quantity
        if quantity or given:
            units.append(units_of(line, quantity, given))
    return units


async def check_owed(
    db: AsyncConnection,
    orders: Mapping[UUID, OrderRow],
    found: ReturnRow,
    units: Counter[UUID],
    policy: Policy,
) -> None:
    """Raise AmountExceeded, with the reason, where nothing of what was paid can go back.

    While a chargeback stands that is not known: finance is asked, and the money waits for that.
    """
    if await undecided_chargebacks(db, *orders):
        return
    goods = await goods_of(db, found.id)
    dues = await dues_of_lost(db, orders, found, goods, units, policy)
    if any(each.due.amount for each in dues):
        return
    limits = sorted({str(each.limited_by) for each in dues if each.limited_by})
    if not dues:
        why = f"no accepted goods of {found.number} are left for which money could go back"
    elif limits:
        why = f"what was paid for them has gone back before ({', '.join(limits)})"
    else:
        why = "nothing was paid for them"
    none = Money(amount=0, currency=found.currency)
    raise AmountExceeded(f"{none} can be given back: {why}", remaining=none.model_dump())


async def resend_lost(db: AsyncConnection, found: ReturnRow, policy: Policy) -> None:
    """Order goods of a locked return once more that got lost, as far as that was the answer.

    Without the stock it waits for that, as for the goods that came. What was delivered after all
    is not lost, unless something was set in motion for it. Of a return that gives money for its
    goods nothing is sent any more.
    """
    losses = await pending_losses(db, found.id)
    if found.resolution_wanted != ResolutionWanted.REPLACEMENT:
        await owe_instead(db, found.id, "system")
        await settle_losses(db, [each.shipment_id for each in losses])
        return
    turned_up = [each for each in losses if each.status == ShipmentStatus.DELIVERED]
    waiting = [
        each
        for each in losses
        if each.answer == ReplacementLostAnswer.REPLACE and each not in turned_up
    ]
    if turned_up:
        await drop_losses(db, [each.shipment_id for each in turned_up])
        data = {"shipments": [each.shipment for each in turned_up]}
        await RETURNS.add_event(db, found, "replacement_found", "system", data)
    refusals = [await _resend(db, found, each, policy) for each in waiting]
    owed = [each for each in losses if each not in turned_up and each not in waiting]
    if owed:
        await refund_lost(db, found, owed[-1].answered_by)
    if turned_up or waiting:
        await wait_for_stock(db, found, next(filter(None, refusals), None), policy)


async def _resend(
    db: AsyncConnection, found: ReturnRow, loss: LossRow, policy: Policy
) -> DomainError | None:
    order = replacement(
        following_id(loss.shipment_id, "replacement", 0),
        await get_order_row(db, loss.order_id),
        found,
        await items_of(db, loss.shipment_id),
        shipment_id=loss.shipment_id,
    )
    refusal = await order_anew(db, found, order, policy)
    if refusal is None:
        await settle_losses(db, [loss.shipment_id])
    return refusal


async def pay_back_lost(
    db: AsyncConnection, orders: Mapping[UUID, OrderRow], found: ReturnRow, policy: Policy
) -> None:
    """Promise the money of a locked inspected return's goods for what got lost, where that is due.

    Who answered so last is who asks for it. While a chargeback stands it waits.
    """
    if found.resolution_wanted != ResolutionWanted.REPLACEMENT or found.resolution is None:
        return
    losses = [
        each
        for each in await pending_losses(db, found.id)
        if each.answer == ReplacementLostAnswer.REFUND
    ]
    if not losses or await label_fee_due(db, found) is None:
        return
    goods = await goods_of(db, found.id)
    if await stop_return(db, found, {line.order_id for line in goods if line.accepted}):
        return
    dues = await dues_of_lost(db, orders, found, goods, Counter(), policy)
    amount = await promise_dues(db, orders, found, dues, policy, losses[-1].answered_by)
    await settle_losses(db, [each.shipment_id for each in losses])
    if not dues:
        # What it replaced stayed with the customer.
        await RETURNS.change(db, found)
        return
    refund = Resolution.REFUND
    resolution = refund if await is_all_owed(db, found.id) else found.resolution
    await RETURNS.change(db, found, resolution=resolution, resolved=found.resolved + 1)
    told = {"amount": amount, "currency": found.currency}
    data = {"resolution": refund, "amount": told}
    await RETURNS.add_event(db, found, "resolved", "system", data)


async def leave_to_replaced(db: AsyncConnection, found: ReturnRow, order: OrderRow) -> bool:
    """Have the money for what came back undelivered given by the return whose goods it replaced.

    Nothing was paid for a replacement itself. False where that return owes nothing.
    """
    if order.replaces_return_id is None or found.shipment_id is None:
        return False
    owing = await find_owing(db, order.replaces_return_id)
    if owing is None:
        return False
    actor = found.parcel_answered_by or "system"
    await add_loss(db, found.shipment_id, owing, ReplacementLostAnswer.REFUND, actor)
    await cancel_tasks(db, found.id, TaskKind.NO_REPLACEMENT_STOCK)
    elsewhere = Resolution.SERVED_OTHERWISE
    await RETURNS.change(
        db, found, resolution=elsewhere, resolved=found.resolved + 1, replacement_due_at=None
    )
    data = {"resolution": elsewhere, "return_id": owing}
    await RETURNS.add_event(db, found, "resolved", "system", data)
    await signal(db, Document(Kind.RETURN, owing), Signal.RETURN_CHANGED)
    return True


async def reopen(db: AsyncConnection, found: ReturnRow, actor: str) -> None:
    """Open a locked closed return again: its customer is owed something."""
    moved = RETURNS.moved(found, ReturnStatus.INSPECTED, actor)
    await RETURNS.change(db, found, status=ReturnStatus.INSPECTED, closed_at=None)
    await add_events(db, [replace(moved, kind="return.reopened")])
