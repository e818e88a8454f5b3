"""Returns that have waited long enough for stock: support is asked what their customers get."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.returns.receiving import require
from activities.returns.replacing import patience, refund_lost, send_nothing
from activities.returns.resending import check_owed
from db.documents import RETURNS
from db.orders.tables import OrderRow
from db.outbox import signal
from db.returns.losses import owe_instead, waiting_goods, waiting_items, write_off_waiting
from db.returns.tables import ReturnRow
from db.returns.writes import goods_of, lock_return
from db.tasks import TaskRow, answers_first, open_task
from domain.answers import ReplacementAnswer
from domain.documents import Document, Kind, Signal
from domain.policy import Policy
from domain.returns.status import Expiry, Resolution, ReturnStatus
from domain.tasks import Decision, TaskKind


def asks_for_stock_at(found: ReturnRow) -> datetime | None:
    """Return when support is asked about stock, if the return waits for it: in advance, too."""
    waiting = found.status in (ReturnStatus.AUTHORIZED, ReturnStatus.INSPECTED)
    undecided = found.resolution in (None, Resolution.REPLACEMENT)
    return found.replacement_due_at if waiting and undecided else None


async def ask_about_replacement(db: AsyncConnection, expiry: Expiry) -> None:
    """Ask support what the customer gets, once a return has waited long enough for stock."""
    _, found = await lock_return(db, expiry.return_id)
    due = asks_for_stock_at(found)
    if due is None or expiry.now < due:
        return
    in_advance = found.status == ReturnStatus.AUTHORIZED
    lost = await waiting_goods(db, found.id)
    goods = lost or {
        line.sku: units
        for line in await goods_of(db, found.id)
        if (units := line.quantity if in_advance else line.accepted)
    }
    facts = {
        "return": found.number,
        "order_id": found.order_id,
        "goods": [{"sku": sku, "quantity": units} for sku, units in goods.items()],
    }
    what = "are to be replaced in advance" if in_advance else "were accepted"
    what = "were replaced, and that got lost" if lost else what
    told = f"{sum(goods.values())} units of {found.number} {what}."
    # Goods that have not come are owed nothing yet, and those never delivered are owed their money.
    settles = lost or not (in_advance or found.shipment_id)
    without = () if settles else (ReplacementAnswer.WRITE_OFF,)
    kind = TaskKind.NO_REPLACEMENT_STOCK
    await open_task(db, kind, Kind.RETURN, found.id, facts, told=told, without=without)


async def settle_no_stock(
    db: AsyncConnection, task: TaskRow, decision: Decision, policy: Policy
) -> None:
    """Refund the accepted units instead, or what got lost, or go on waiting for stock.

    As support answered, be it that this is settled elsewhere. Raises AmountExceeded where no money
    can go back for that.
    """
    orders, found = await lock_return(db, task.document_id)
    if not await answers_first(db, decision):
        return
    lost = await waiting_items(db, found.id)
    match ReplacementAnswer(decision.choice):
        case ReplacementAnswer.REFUND:
            await _refund(db, orders, found, lost, decision.actor, policy)
        case ReplacementAnswer.WRITE_OFF if lost:
            await write_off_waiting(db, found.id, decision.actor)
            await RETURNS.change(db, found, replacement_due_at=None)
        case ReplacementAnswer.WRITE_OFF:
            await _serve_otherwise(db, found, decision.actor)
        case ReplacementAnswer.WAIT:
            # From when it was asked at the earliest, so that the next question is another one.
            since = max(found.replacement_due_at or datetime.now(UTC), datetime.now(UTC))
            await RETURNS.change(db, found, replacement_due_at=since + patience(policy))
    await signal(db, Document(Kind.RETURN, found.id), Signal.RETURN_CHANGED)


async def _refund(
    db: AsyncConnection,
    orders: Mapping[UUID, OrderRow],
    found: ReturnRow,
    lost: Counter[UUID],
    actor: str,
    policy: Policy,
) -> None:
    if lost:
        await check_owed(db, orders, found, lost, policy)
        await owe_instead(db, found.id, actor)
        await RETURNS.change(db, found, replacement_due_at=None)
        await refund_lost(db, found, actor)
        return
    # The money for what came back undelivered may be that of another order.
    if found.shipment_id is None:
        units: Counter[UUID] = Counter()
        for line in await goods_of(db, found.id):
            units[line.item_id] += line.quantity
        await check_owed(db, orders, found, units, policy)
    await send_nothing(db, found, actor)


async def _serve_otherwise(db: AsyncConnection, found: ReturnRow, actor: str) -> None:
    require(found, ReturnStatus.INSPECTED)
    elsewhere = Resolution.SERVED_OTHERWISE
    await RETURNS.change(
        db, found, resolution=elsewhere, resolved=found.resolved + 1, replacement_due_at=None
    )
    await RETURNS.add_event(db, found, "resolved", actor, {"resolution": elsewhere})
