"""Returns of serial units, asked for, received and inspected by hand."""

from typing import Any
from uuid import UUID

from activities.returns.accepting import request_return
from activities.returns.inspecting import inspect_return
from activities.returns.receiving import receive_return
from activities.tasks import accept_answer
from activities.work_orders.releasing import cancel_work_order
from db.documents import WORK_ORDERS
from domain.access import Role
from domain.ids import LineId, OrderId, ReturnId, TaskId, new_id
from domain.policy import Policy
from domain.returns.requests import (
    InspectedUnits,
    InspectReturn,
    ReceivedLine,
    ReceiveReturn,
    RequestReturn,
    ReturnLine,
)
from domain.returns.status import STAY_THEIRS, Disposition, ReturnReason
from domain.tasks import Decision, TaskKind
from domain.work_orders.requests import CancelWork
from tests.activities.bench import Bench
from tests.units import unit


async def ask_back(
    bench: Bench, order: OrderId, units: int, *named: str, **rest: Any
) -> tuple[ReturnId, UUID]:
    """Ask for units of an order's only line to come back; return the return and its line."""
    line = await bench.shop.one("SELECT id FROM order_lines WHERE order_id = :id", id=order)
    reason = ReturnReason.CHANGED_MIND
    wanted = ReturnLine(order_line_id=LineId(line), quantity=units, reason=reason, serials=named)
    back = ReturnId(new_id())
    async with bench.shop.books.begin() as db:
        asked = RequestReturn(order_id=order, lines=(wanted,), **rest)
        await request_return(db, back, asked, Policy(), actor="support", staff=True)
    return back, await line_of(bench, back)


async def line_of(bench: Bench, back: UUID) -> UUID:
    return UUID(
        str(await bench.shop.one("SELECT id FROM return_lines WHERE return_id = :id", id=back))
    )


async def receive(bench: Bench, back: ReturnId, line: UUID, *named: str, units: int = 0) -> None:
    came = ReceivedLine(return_line_id=line, quantity=units or len(named), serials=named)
    async with bench.shop.books.begin() as db:
        await receive_return(db, back, new_id(), ReceiveReturn(lines=(came,)), actor="warehouse")


async def inspect(
    bench: Bench, back: ReturnId, line: UUID, end: Disposition, *named: str, **rest: Any
) -> None:
    units = InspectedUnits(
        return_line_id=line,
        quantity=rest.pop("units", len(named)),
        disposition=end,
        accepted=end not in STAY_THEIRS,
        serials=named,
    )
    async with bench.shop.books.begin() as db:
        asked = InspectReturn(lines=(units,), **rest)
        await inspect_return(db, back, asked, actor="inspector")


async def place_of(bench: Bench, serial: str) -> tuple[str, str]:
    """Return a unit's status, and the kind of the location that it is at."""
    row = await unit(bench.shop, serial)
    query = "SELECT kind FROM locations WHERE id = :id"
    return row["status"], await bench.shop.one(query, id=row["location_id"])


async def give_up_mending(bench: Bench, back: UUID) -> None:
    """Cancel the work orders on goods of a return, which then looks again."""
    query = "SELECT id FROM work_orders WHERE return_id = :id AND status = 'planned'"
    for row in await bench.shop.rows(query, id=back):
        async with bench.shop.books.begin() as db:
            found = await WORK_ORDERS.lock(db, row["id"])
            await cancel_work_order(db, found, CancelWork(reason="too dear"), actor="planner")
    await bench.take("settle_return", back)


async def answer(bench: Bench, back: UUID, kind: str, choice: str) -> None:
    """Answer what is asked about a return; goods are asked about once their work is given up."""
    if kind == TaskKind.REFURBISHMENT:
        await give_up_mending(bench, back)
    query = "SELECT id FROM tasks WHERE document_id = :id AND kind = :kind AND status = 'open'"
    task = TaskId(await bench.shop.one(query, id=back, kind=kind))
    decision = Decision(task_id=task, choice=choice, note="", actor="staff")
    async with bench.shop.books.begin() as db:
        await accept_answer(db, decision, Role.ADMIN)
