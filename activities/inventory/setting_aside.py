"""Lots that are set aside or freed: use cases in the caller's transaction.

What orders hold of a lot that is set aside is swapped for other stock of the same site, in the
same transaction; where there is none, their lines wait for stock and support is told. Parts of
work orders wait for all that they lack, and are served by the queue of the site. What is held by
hand is let go. What has left stays so.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.inventory.lots import tell
from activities.orders.cancelling import shorten
from activities.orders.changing import wake
from activities.work_orders.reserving import take_from_work
from db.documents import ORDERS, WORK_ORDERS
from db.inventory.demand import review_for, review_lot
from db.inventory.lot_holders import Held, holders_of
from db.inventory.lots import LotRow, change_lot, get_lot, lock_lot
from db.inventory.posting import release
from db.inventory.reservations import let_go_of_lot
from db.orders.accept import lock_shelves
from db.orders.backorders import mark_short
from db.orders.tables import OrderRow
from db.shipments.picking import lock_picked
from db.shipments.swapping import Swap, swap
from db.shipments.tables import ShipmentRow
from db.shipments.writes import lock_shipments_of
from db.tasks import open_task
from db.work_orders.supply import work_holding
from domain.documents import Kind
from domain.errors import IllegalMove
from domain.ids import ItemId
from domain.inventory import Shelf
from domain.lifecycle import move
from domain.lots import MOVES, LotStatus
from domain.tasks import TaskKind

_WORDS = {
    (LotStatus.AVAILABLE, LotStatus.QUARANTINED): "quarantined",
    (LotStatus.AVAILABLE, LotStatus.RECALLED): "recalled",
    (LotStatus.QUARANTINED, LotStatus.RECALLED): "recalled",
    (LotStatus.QUARANTINED, LotStatus.AVAILABLE): "released",
    (LotStatus.RECALLED, LotStatus.QUARANTINED): "recall_withdrawn",
}


@dataclass
class _Outcome:
    """What became of what orders hold: swapped, or without other stock."""

    swaps: list[Swap] = field(default_factory=list)
    lacking: list[Held] = field(default_factory=list)

    @property
    def freed(self) -> list[Held]:
        """What no label takes along."""
        return [each for each in self.lacking if not each.labelled]


async def set_aside(
    db: AsyncConnection, lot_id: UUID, target: LotStatus, reason: str, *, actor: str
) -> None:
    """Quarantine or recall a lot; once is as good as twice. Raises NotFound and IllegalMove.

    What a label took along that is given back is looked at again the next time.
    The orders that hold some of it are locked before it, and those that come to hold some until
    it is locked are seen then: it is let go and all is begun anew with them.
    """
    orders: set[UUID] = {each.order_id for each in await holders_of(db, lot_id)}
    works = set(await work_holding(db, lot_id))
    while True:
        async with db.begin_nested() as attempt:
            more, busy = await _set_aside(db, lot_id, target, reason, orders, works, actor)
            if not more and not busy:
                return
            await attempt.rollback()
        orders |= more
        works |= busy


async def free_lot(
    db: AsyncConnection, lot_id: UUID, target: LotStatus, reason: str, *, actor: str
) -> None:
    """Release a lot, or withdraw its recall; once is as good as twice.

    Raises NotFound, and IllegalMove, also for an expired lot that is to be released.
    """
    lot = await lock_lot(db, lot_id)
    current = LotStatus(lot.status)
    if current is target:
        return
    _check(lot, target, freed=True)
    today = datetime.now(UTC).date()
    if target is LotStatus.AVAILABLE and lot.expires_on is not None and lot.expires_on < today:
        raise IllegalMove(
            f"{lot.code} has expired: what is not to be sold stays set aside",
            current_status=lot.status,
            allowed=[LotStatus.RECALLED],
        )
    await change_lot(db, lot_id, {"status": target})
    await tell(db, lot, _WORDS[current, target], actor, {"reason": reason})
    if target is LotStatus.AVAILABLE:
        await review_lot(db, lot_id)


async def _lock(
    db: AsyncConnection, orders: Sequence[UUID]
) -> tuple[dict[UUID, OrderRow], dict[UUID, ShipmentRow]]:
    """Lock and return orders and their shipments, and the units that are picked for these."""
    rows = {order_id: await ORDERS.lock(db, order_id) for order_id in orders}
    shipments = {
        each.id: each for order_id in orders for each in await lock_shipments_of(db, order_id)
    }
    for order_id in orders:
        await lock_picked(db, order_id)
    return rows, shipments


async def _set_aside(
    db: AsyncConnection,
    lot_id: UUID,
    target: LotStatus,
    reason: str,
    orders: set[UUID],
    works: set[UUID],
    actor: str,
) -> tuple[set[UUID], set[UUID]]:
    """Set a lot aside that only these orders and works hold; else return the others."""
    rows, shipments = await _lock(db, sorted(orders))
    at_work = {work_id: await WORK_ORDERS.lock(db, work_id) for work_id in sorted(works)}
    lot = await lock_lot(db, lot_id)
    current = LotStatus(lot.status)
    news = current is not target
    if news:
        _check(lot, target, freed=False)
        await change_lot(db, lot_id, {"status": target})
    sku = (await get_lot(db, lot_id)).sku
    shelves = (await lock_shelves(db, {ItemId(lot.item_id): sku}))[ItemId(lot.item_id)]
    held = [each for each in await holders_of(db, lot_id) if news or not each.labelled]
    parts = await work_holding(db, lot_id)
    others = {each.order_id for each in held} - orders, parts.keys() - works
    if any(others):
        return others
    if not (held or parts or news):
        await let_go_of_lot(db, lot_id, f"lot {lot.code}: {reason}", actor=actor)
        return set(), set()
    outcome = _plan(held, shelves)
    await swap(db, {each.reservation_id: each.quantity for each in held}, outcome.swaps)
    for order_id, row in rows.items():
        mine = [each for each in outcome.lacking if each.order_id == order_id]
        if mine:
            await _give_up(db, row, shipments, mine, lot, sku, actor)
    for work_id, reservations in parts.items():
        await take_from_work(db, at_work[work_id], reservations, lot, actor)
    await let_go_of_lot(db, lot_id, f"lot {lot.code}: {reason}", actor=actor)
    if not news:
        return set(), set()
    data = {
        "reason": reason,
        "swapped": sum(each.quantity for each in outcome.swaps),
        "backordered": sum(each.quantity for each in outcome.freed),
        "labelled": sum(each.quantity for each in outcome.lacking if each.labelled),
    }
    await tell(db, lot, _WORDS[current, target], actor, data)
    return set(), set()


def _check(lot: LotRow, target: LotStatus, *, freed: bool) -> None:
    """Raise IllegalMove unless a lot may become that by being freed, or else by being set aside."""
    current = LotStatus(lot.status)
    move(MOVES, current, target)
    if target is LotStatus.QUARANTINED and freed != (current is LotStatus.RECALLED):
        raise IllegalMove(
            f"{lot.code} is {current}: only a recall is withdrawn, and that by withdraw_recall",
            current_status=current,
            allowed=[],
        )


def _plan(held: Sequence[Held], shelves: Sequence[Shelf]) -> _Outcome:
    """Find other stock at the same site for what is held, what expires first before others."""
    outcome = _Outcome()
    free = {n: shelf.available for n, shelf in enumerate(shelves)}
    turns = sorted(free, key=lambda n: shelves[n].turn)
    for each in held:
        left = each.quantity
        for n in turns:
            take = min(left, free[n]) if shelves[n].site_id == each.site_id else 0
            if take > 0:
                free[n] -= take
                left -= take
                place, lot_id = shelves[n].location_id, shelves[n].lot_id
                outcome.swaps.append(Swap(each.reservation_id, place, lot_id, take))
        if left:
            outcome.lacking.append(replace(each, quantity=left))
    return outcome


async def _give_up(
    db: AsyncConnection,
    order: OrderRow,
    shipments: Mapping[UUID, ShipmentRow],
    lacking: Sequence[Held],
    lot: LotRow,
    sku: str,
    actor: str,
) -> None:
    """Have lines of a locked order wait for stock, but for what has a label; tell support."""
    freed = [each for each in lacking if not each.labelled]
    less: defaultdict[UUID, dict[UUID, int]] = defaultdict(dict)
    for each in freed:
        if each.shipment_id is not None:
            less[each.shipment_id][each.reservation_id] = each.quantity
    for shipment_id, units in less.items():
        await shorten(db, shipments[shipment_id], units, actor)
    await mark_short(db, [each.line_id for each in freed])
    facts: dict[str, Any] = {
        "order": order.number,
        "order_id": order.id,
        "lot_id": lot.id,
        "lot": lot.code,
        "sku": sku,
        "units": sum(each.quantity for each in lacking),
        "labelled": sum(each.quantity for each in lacking if each.labelled),
    }
    await ORDERS.change(db, order)
    data = {"lot_id": lot.id, "units": facts["units"], "labelled": facts["labelled"]}
    await ORDERS.add_event(db, order, "stock_withdrawn", actor, data)
    told = f"{facts['units']} units of {sku}, lot {lot.code}, of {order.number}."
    await open_task(db, TaskKind.LOT_SET_ASIDE, Kind.ORDER, order.id, facts, told=told)
    await wake(db, order)
    if freed:
        await release(db, order.id, [each.reservation_id for each in freed])
        # Another site may have what is lacking.
        await review_for(db, order.id)
