"""Goods that were replaced in advance and stay with the customer: finance is asked, once."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.orders.changing import request_cancellation, wake
from activities.returns.estimating import Units, by_order, estimate
from activities.returns.replacing import replace_in_advance
from activities.returns.telling import tell_claim
from db.documents import ORDERS, RETURNS
from db.orders.tables import OrderRow
from db.outbox import signal
from db.returns.labels import drop_label
from db.returns.replacements import ReplacementRow, replacements_of
from db.returns.returnable import sold_lines
from db.returns.tables import ReturnRow
from db.returns.writes import count_promised, goods_of, lock_return
from db.tasks import TaskRow, answers_first, cancel_tasks, open_task
from domain.documents import Document, Kind, Signal
from domain.ids import OrderId
from domain.money import Money
from domain.orders.requests import Cancellation
from domain.orders.status import CancelReason
from domain.policy import Policy
from domain.returns.status import ReplacementTiming, Resolution, ReturnKind, ReturnStatus
from domain.tasks import Decision, TaskKind


async def replaced_in_advance(db: AsyncConnection, found: ReturnRow) -> ReplacementRow | None:
    """Return the order that replaces goods which had not come, unless it was cancelled or lost."""
    if found.replacement_timing != ReplacementTiming.IN_ADVANCE:
        return None
    return next((each for each in await replacements_of(db, found.id) if each.stands), None)


async def is_kept(
    db: AsyncConnection, orders: Mapping[UUID, OrderRow], found: ReturnRow, policy: Policy
) -> bool:
    """Whether finance has yet to say what becomes of replaced goods that the customer has.

    Asks, with what was paid for them; silent while that is asked. Nothing is charged by us.
    """
    kept = [
        Units(line.order_line_id, line.quantity - line.accepted, line.reason)
        for line in await goods_of(db, found.id)
        if line.quantity > line.accepted
    ]
    replaced = await replaced_in_advance(db, found)
    if not kept or replaced is None:
        await cancel_tasks(db, found.id, TaskKind.KEPT_GOODS)
        return False
    if found.kept_goods is not None:
        return False
    sold = await sold_lines(db, list(orders))
    kind = ReturnKind(found.kind)
    dues = await estimate(db, orders, sold, by_order(sold, kept), kind, policy, without=found.id)
    paid = sum(line.amount for each in dues for line in each.due.lines)
    amount = Money(amount=paid, currency=found.currency)
    units = sum(each.quantity for each in kept)
    facts = {
        "return": found.number,
        "order_id": found.order_id,
        "replacement": replaced.number,
        "units": units,
        "amount": amount.model_dump(),
    }
    told = f"{units} units of {found.number} are replaced by {replaced.number}; {amount} was paid."
    await open_task(db, TaskKind.KEPT_GOODS, Kind.RETURN, found.id, facts, told=told)
    return True


async def settle_unreceived(
    db: AsyncConnection,
    orders: Mapping[UUID, OrderRow],
    found: ReturnRow,
    policy: Policy,
    actor: str,
) -> None:
    """Replace goods that have not come, where that was agreed, or end a return without them.

    That is when finance has settled them, and what replaces them has left, or was cancelled.
    """
    replaced = await replaced_in_advance(db, found)
    if found.status == ReturnStatus.CANCELLED and replaced is not None and replaced.has_left:
        # It left before it could be cancelled, too.
        await is_kept(db, orders, found, policy)
    if found.status != ReturnStatus.AUTHORIZED:
        return
    if replaced is None:
        await cancel_tasks(db, found.id, TaskKind.KEPT_GOODS)
    if found.kept_goods is None:
        await replace_in_advance(db, orders, found, policy)
    elif replaced is None:
        await _end(db, orders, found, ReturnStatus.EXPIRED, actor)
    elif replaced.handed_over:
        replacement = Resolution.REPLACEMENT
        await _end(db, orders, found, ReturnStatus.CLOSED, actor, resolution=replacement)


async def _end(
    db: AsyncConnection,
    orders: Mapping[UUID, OrderRow],
    found: ReturnRow,
    status: ReturnStatus,
    actor: str,
    **values: Resolution,
) -> None:
    """Move a return of which nothing came to its end; its units are on no return any more."""
    await drop_label(db, found.id)
    await cancel_tasks(db, found.id, TaskKind.LABEL_REFUSED)
    await count_promised(db, found.id, times=-1)
    for order in orders.values():
        await ORDERS.change(db, order)
    await RETURNS.move(db, found, status, actor, values, **values)
    await tell_claim(db, found)


async def settle_kept_goods(db: AsyncConnection, task: TaskRow, decision: Decision) -> None:
    """Write what finance does about goods that the customer keeps; no money moves here."""
    _, found = await lock_return(db, task.document_id)
    if not await answers_first(db, decision):
        return
    await RETURNS.change(db, found, kept_goods=decision.choice)
    await RETURNS.add_event(db, found, "goods_kept", decision.actor, {"answer": decision.choice})
    await signal(db, Document(Kind.RETURN, found.id), Signal.RETURN_CHANGED)


async def withdraw_replacement(db: AsyncConnection, found: ReturnRow, actor: str) -> None:
    """Have what replaces the goods of a return cancelled that is given up.

    Raises IllegalMove once something of it has left, but for what got lost there.
    """
    if found.replacement_timing != ReplacementTiming.IN_ADVANCE:
        return
    reason = CancelReason.CUSTOMER_REQUEST
    for replacement in await replacements_of(db, found.id):
        if replacement.stands:
            order = await ORDERS.lock(db, replacement.id)
            asked = Cancellation(order_id=OrderId(order.id), reason=reason, actor=actor)
            await request_cancellation(db, order, asked)
            await wake(db, order)
