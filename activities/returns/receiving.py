"""Goods of returns that arrive: use cases in the caller's transaction.

Each call adds to what came before it. Units go into quarantine, never straight to sellable stock.
"""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.returns.absent import accept_absent
from activities.returns.lots import lots_that_come
from activities.returns.serials import receive_units
from db.documents import ORDERS, RETURNS
from db.inventory.movements import Movement
from db.inventory.places import place_id
from db.inventory.posting import post
from db.outbox import signal
from db.returns.labels import drop_label
from db.returns.parcels import is_partly_delivered
from db.returns.tables import ReturnRow
from db.returns.writes import (
    GoodsRow,
    count_promised,
    count_received,
    goods_of,
    lock_return,
)
from db.tasks import TaskRow, answer_task, cancel_tasks, find_open, open_task
from domain.access import EVERYTHING, Reach
from domain.answers import ReceivingAnswer
from domain.documents import Document, Kind, Signal
from domain.errors import IllegalMove, NotFound, QuantityExceeded
from domain.inventory import LocationKind, MovementKind
from domain.returns.requests import ReceiveReturn
from domain.returns.status import GIVEN_UP, ReturnKind, ReturnStatus
from domain.tasks import Decision, TaskKind

_SUPERSEDED = "superseded: a newer task asks about all that was reported"


async def receive_return(
    db: AsyncConnection,
    return_id: UUID,
    receipt_id: UUID,
    asked: ReceiveReturn,
    *,
    actor: str,
    reach: Reach = EVERYTHING,
) -> None:
    """Book what a parcel of an authorized return held; ``receipt_id`` names it for ever.

    What is not on it can be reported of every return. Raises NotFound for a line that is not the
    return's, QuantityExceeded for more units than are still expected, Malformed unless serial units
    and lots are named, and IllegalMove, with what to do instead, for units of a return that is not
    authorized and for serial units that are none of the line's.
    """
    orders, found = await lock_return(db, return_id, reach)
    if asked.lines:
        _check_expected(found)
    goods = {line.id: line for line in await goods_of(db, return_id)}
    units = _units(asked, goods)
    if units:
        await receive_units(db, found, goods, asked.lines, actor)
        lots = await lots_that_come(db, goods, asked.lines)
        await count_received(db, return_id, units)
        await cancel_tasks(db, return_id, TaskKind.KEPT_GOODS, why="the goods have come")
        # Before the balances, of which many may wait for a popular item's.
        for order in orders.values():
            await ORDERS.change(db, order)
        await RETURNS.add_event(db, found, "goods_received", actor, {"units": sum(units.values())})
        moved = [
            _into_quarantine(found, goods[line_id], quantity, receipt_id, actor, lots.get(line_id))
            for line_id, quantity in units.items()
        ]
        await post(db, moved)
    if asked.unexpected:
        await _ask_about(db, found, asked, actor)
    if units and all(
        line.received + units.get(line.id, 0) == line.quantity for line in goods.values()
    ):
        await _end_receiving(db, found, actor)
    elif units:
        await RETURNS.change(db, found)


def _units(asked: ReceiveReturn, goods: Mapping[UUID, GoodsRow]) -> dict[UUID, int]:
    """Return how many units of each line have come; refuse more than are expected."""
    units: dict[UUID, int] = {}
    for position, line in enumerate(asked.lines):
        known = goods.get(line.return_line_id)
        if known is None:
            raise NotFound(f"the return has no line {line.return_line_id}")
        if line.quantity > (left := known.quantity - known.received):
            pointer = f"/lines/{position}/quantity"
            raise QuantityExceeded(
                f"{left} units of {known.sku} are still expected; report others as unexpected",
                errors=[{"pointer": pointer, "message": "more than are expected"}],
                remaining_units=left,
            )
        units[known.id] = line.quantity
    return units


def _check_expected(found: ReturnRow) -> None:
    """Raise IllegalMove for a return whose goods are not, or no longer, to come."""
    if found.status != ReturnStatus.AUTHORIZED:
        raise IllegalMove(
            f"the return is {found.status}, not {ReturnStatus.AUTHORIZED}: {_instead(found)}",
            current_status=found.status,
            allowed=[],
        )
    if found.kept_goods is not None:
        raise IllegalMove(
            "finance has settled the goods, because they did not come in time: report them as"
            " unexpected",
            current_status=found.status,
            allowed=[],
        )


def _instead(found: ReturnRow) -> str:
    """Return what to do with goods that came for a return whose goods are not to come."""
    if found.status in GIVEN_UP:
        return "ask for a new return, with a late_reason, or report them as unexpected"
    if found.received_at is None and found.inspected_at is None:
        return "report them as unexpected until it is authorized"
    return "inspect what was given up as lost, with revise, and report others as unexpected"


async def finish_receiving(
    db: AsyncConnection, return_id: UUID, *, actor: str, reach: Reach = EVERYTHING
) -> None:
    """Go on with what has come, and give the rest back; once is as good as twice.

    What a carrier was to bring back undelivered counts as accepted, and as lost. Raises NotFound,
    and IllegalMove when nothing has come of what a customer was to send.
    """
    orders, found = await lock_return(db, return_id, reach)
    if found.received_at is not None:
        return
    require(found, ReturnStatus.AUTHORIZED)
    if found.kind == ReturnKind.UNDELIVERABLE:
        # Where a parcel was delivered, its customer has what is missing.
        if not await is_partly_delivered(db, return_id) and (
            lost := await accept_absent(db, found, actor)
        ):
            await RETURNS.add_event(db, found, "goods_lost", actor, {"units": lost})
    elif found.last_received_at is None:
        raise IllegalMove("nothing of it has arrived", current_status=found.status, allowed=[])
    await count_promised(db, return_id, times=-1)
    for order in orders.values():
        await ORDERS.change(db, order)
    await _end_receiving(db, found, actor)
    if found.last_received_at is None:
        # There is nothing to inspect.
        accepted = sum(line.accepted for line in await goods_of(db, return_id))
        there = await RETURNS.lock(db, return_id)
        await RETURNS.move(db, there, ReturnStatus.INSPECTED, actor, {"accepted": accepted})


async def settle_receiving(db: AsyncConnection, task: TaskRow, decision: Decision) -> None:
    """Finish receiving a return, or wait for the rest of it, as the warehouse answered."""
    await lock_return(db, task.document_id)
    await answer_task(db, decision)
    if decision.choice == ReceivingAnswer.FINISH:
        await finish_receiving(db, task.document_id, actor=decision.actor)


def require(found: ReturnRow, *statuses: ReturnStatus) -> None:
    """Raise IllegalMove unless a return is in one of these states."""
    if found.status not in statuses:
        raise IllegalMove(
            f"the return is {found.status}, not {' or '.join(statuses)}",
            current_status=found.status,
            allowed=[],
        )


async def _end_receiving(db: AsyncConnection, found: ReturnRow, actor: str) -> None:
    await RETURNS.move(db, found, ReturnStatus.RECEIVED, actor)
    await cancel_tasks(db, found.id, TaskKind.FINISH_RECEIVING, TaskKind.LABEL_REFUSED)
    await drop_label(db, found.id)
    await signal(db, Document(Kind.RETURN, found.id), Signal.RETURN_CHANGED)


def _into_quarantine(
    found: ReturnRow,
    line: GoodsRow,
    quantity: int,
    receipt_id: UUID,
    actor: str,
    lot_id: UUID | None,
) -> Movement:
    return Movement(
        key=f"return/{receipt_id}/{line.id}",
        kind=MovementKind.RETURN,
        item_id=line.item_id,
        quantity=quantity,
        from_location_id=place_id(LocationKind.CUSTOMER),
        to_location_id=found.quarantine_id,
        actor=actor,
        document_type=Kind.RETURN,
        document_id=found.id,
        line_id=line.order_line_id,
        lot_id=lot_id,
    )


async def _ask_about(
    db: AsyncConnection, found: ReturnRow, asked: ReceiveReturn, actor: str
) -> None:
    """Ask support about goods that are not on the return: nothing of them is posted.

    A second time, the question has all of them.
    """
    things = [
        {"description": one.description, "quantity": one.quantity} for one in asked.unexpected
    ]
    await RETURNS.add_event(db, found, "unexpected_goods", actor, {"goods": things})
    kind = TaskKind.UNEXPECTED_GOODS
    before = await find_open(db, kind, found.id)
    goods = [*(before.facts["goods"] if before else ()), *things]
    facts = {
        "return": found.number,
        "order_id": found.order_id,
        "status": found.status,
        "goods": goods,
    }
    told = ", ".join(f"{one['quantity']} × {one['description']}" for one in goods)
    await cancel_tasks(db, found.id, kind, why=_SUPERSEDED)
    told = f"{told[:800]}; {found.number} is {found.status}."
    await open_task(db, kind, Kind.RETURN, found.id, facts, told=told)
