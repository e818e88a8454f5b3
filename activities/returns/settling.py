"""What a customer gets for a return, and its end: set in motion once, closed once it is done."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.returns.estimating import dues_of, label_fee_due, units_due
from activities.returns.keeping import is_kept, replaced_in_advance, settle_unreceived
from activities.returns.leaving import ask_where_goods_go, waits
from activities.returns.promising import promise_dues
from activities.returns.repairing import begin_repair, mend
from activities.returns.replacing import (
    accepted_units,
    ask_how_served,
    is_replaced,
    place_replacement,
    refund_instead,
)
from activities.returns.resending import leave_to_replaced, pay_back_lost, reopen, resend_lost
from activities.returns.stopping import stop_return
from activities.returns.telling import tell_claim
from activities.returns.undelivered import waits_for_support
from activities.warranties.cancelling import cancel_returned
from db.documents import RETURNS
from db.orders.tables import OrderRow
from db.outbox import signal
from db.returns.losses import owe_again, pending_losses
from db.returns.reads import refunds_of
from db.returns.tables import ReturnRow
from db.returns.writes import (
    GoodsRow,
    goods_of,
    lock_return,
    standing_of,
)
from db.tasks import TaskRow, answers_first, cancel_tasks
from domain.access import EVERYTHING, Reach
from domain.answers import UndeliverableAnswer, UnservedAnswer
from domain.documents import Document, Kind, Signal
from domain.errors import IllegalMove
from domain.policy import Policy
from domain.refunds.status import RefundStatus
from domain.returns.status import (
    RUNNING,
    Disposition,
    Resolution,
    ResolutionWanted,
    ReturnStatus,
)
from domain.tasks import Decision, TaskKind


async def settle_return(
    db: AsyncConnection, return_id: UUID, policy: Policy, *, actor: str = "system"
) -> ReturnStatus:
    """Give the customer what an inspected return is worth, once, and close it once that is done.

    One that waits for goods, a person or the provider is only looked at. Returns its status.
    """
    orders, found = await lock_return(db, return_id)
    await settle_unreceived(db, orders, found, policy, actor)
    found = await RETURNS.lock(db, return_id)
    if found.status == ReturnStatus.CLOSED and await pending_losses(db, found.id):
        await reopen(db, found, actor)
        found = await RETURNS.lock(db, return_id)
    if found.status in RUNNING:
        await resend_lost(db, found, policy)
    if found.status in (ReturnStatus.CLOSED, ReturnStatus.INSPECTED):
        # Goods that were given up as lost may have turned up since it was closed.
        await mend(db, found)
        found = await RETURNS.lock(db, return_id)
        await ask_where_goods_go(db, found)
    if found.status != ReturnStatus.INSPECTED:
        return ReturnStatus((await RETURNS.lock(db, return_id)).status)
    if found.resolution is None:
        await _resolve(db, orders, found, policy)
        found = await RETURNS.lock(db, return_id)
    await pay_back_lost(db, orders, found, policy)
    found = await RETURNS.lock(db, return_id)
    if await _is_done(db, found):
        await cancel_returned(db, found)
        data = {"resolution": found.resolution}
        await RETURNS.move(db, found, ReturnStatus.CLOSED, actor, data)
        await tell_claim(db, found)
    return ReturnStatus((await RETURNS.lock(db, return_id)).status)


async def close_return(
    db: AsyncConnection,
    return_id: UUID,
    policy: Policy,
    *,
    actor: str,
    reach: Reach = EVERYTHING,
) -> None:
    """Close an inspected return that has nothing open; once is as good as twice.

    Raises NotFound, and IllegalMove with what is still open.
    """
    _, found = await lock_return(db, return_id, reach)
    if found.status == ReturnStatus.CLOSED:
        return
    if found.status == ReturnStatus.INSPECTED:
        if await settle_return(db, return_id, policy, actor=actor) == ReturnStatus.CLOSED:
            return
        why = "what the customer gets for it, or what becomes of its goods, is still under way"
    else:
        why = f"the return is {found.status}, not inspected"
    raise IllegalMove(why, current_status=found.status, allowed=[])


async def _resolve(
    db: AsyncConnection, orders: Mapping[UUID, OrderRow], found: ReturnRow, policy: Policy
) -> None:
    """Promise money for the accepted units of each order, or replace them; or nothing is due."""
    if found.resolution_wanted == ResolutionWanted.REPAIR:
        await begin_repair(db, found)
        return
    goods = await goods_of(db, found.id)
    accepted = any(line.accepted for line in goods)
    if await is_kept(db, orders, found, policy) or await waits_for_support(db, found, goods):
        return
    in_advance = await replaced_in_advance(db, found) is not None
    if in_advance or (accepted and found.resolution_wanted == ResolutionWanted.REPLACEMENT):
        await _replace(db, orders, found, goods, policy)
        return
    if _giving(found, goods) and await leave_to_replaced(db, found, orders[found.order_id]):
        return
    fee = await label_fee_due(db, found)
    if fee is None:
        return
    if await stop_return(db, found, _giving(found, goods)):
        return
    resolution = _resolution(found, accepted)
    dues = await dues_of(db, orders, found, await units_due(db, found, goods), policy, fee)
    # Who said that a parcel which came back is refunded does not approve the refund.
    actor = found.parcel_answered_by or "system"
    given = await promise_dues(db, orders, found, dues, policy, actor)
    # Support may be asked about stock for units that are accepted no more.
    await cancel_tasks(db, found.id, TaskKind.NO_REPLACEMENT_STOCK)
    await RETURNS.change(
        db, found, resolution=resolution, resolved=found.resolved + 1, replacement_due_at=None
    )
    refund = {"amount": given, "currency": found.currency}
    data: dict[str, Any] = {"resolution": resolution}
    if resolution is Resolution.REFUND:
        data["amount"] = refund
    await RETURNS.add_event(db, found, "resolved", "system", data)


def _giving(found: ReturnRow, goods: Sequence[GoodsRow]) -> set[UUID]:
    """Return the orders whose money is to go back."""
    elsewhere = found.parcel_answer == UndeliverableAnswer.WRITE_OFF
    return set() if elsewhere else {line.order_id for line in goods if line.accepted}


def _resolution(found: ReturnRow, accepted: bool) -> Resolution:
    """Return what the customer gets where nothing is replaced."""
    if not accepted:
        return Resolution.REJECTED
    elsewhere = found.parcel_answer == UndeliverableAnswer.WRITE_OFF
    return Resolution.SERVED_OTHERWISE if elsewhere else Resolution.REFUND


async def _replace(
    db: AsyncConnection,
    orders: Mapping[UUID, OrderRow],
    found: ReturnRow,
    goods: Sequence[GoodsRow],
    policy: Policy,
) -> None:
    """Order the accepted units anew, if that is possible now."""
    if not await place_replacement(db, orders, found, accepted_units(goods), policy):
        return
    resolution = Resolution.REPLACEMENT
    await RETURNS.change(db, found, resolution=resolution, resolved=found.resolved + 1)
    await RETURNS.add_event(db, found, "resolved", "system", {"resolution": resolution})


async def _is_done(db: AsyncConnection, found: ReturnRow) -> bool:
    """Whether the customer has what is due and no goods wait; else ask who has to act."""
    standing = await standing_of(db, found.id)
    if any(waits(each) or each.disposition == Disposition.REPAIR for each in standing):
        return False
    if found.resolution is None or await pending_losses(db, found.id):
        return False
    replaced = found.resolution == Resolution.REPLACEMENT
    if replaced and not await is_replaced(db, found):
        return False
    refunds = await refunds_of(db, found.id)
    unserved = [each for each in refunds if each.unserved]
    if unserved and (replaced or found.resolution == Resolution.REFUND):
        await ask_how_served(db, found, unserved[-1].number)
        return False
    ended = (RefundStatus.SUCCEEDED, RefundStatus.CANCELLED)
    return all(each.status in ended for each in refunds)


async def settle_unserved(db: AsyncConnection, task: TaskRow, decision: Decision) -> None:
    """Ask for another refund of a return, or close it without one, as support answered."""
    _, found = await lock_return(db, task.document_id)
    if not await answers_first(db, decision):
        return
    if decision.choice == UnservedAnswer.REFUND_AGAIN:
        replaced = found.resolution == Resolution.REPLACEMENT
        # What was sent and did not get lost stays with the customer.
        if not (replaced and await owe_again(db, found.id, decision.actor)):
            await refund_instead(db, found, decision.actor)
    else:
        await RETURNS.change(db, found, resolution=Resolution.SERVED_OTHERWISE)
    await signal(db, Document(Kind.RETURN, found.id), Signal.RETURN_CHANGED)
