"""Work at the bench: begun on a unit with one part, which is issued, put in and taken out."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.work_orders.accepting import create_work_order
from activities.work_orders.issuing import issue_parts
from activities.work_orders.releasing import release_work_order, start_work
from activities.work_orders.staffing import assign, create_technician
from activities.work_orders.swapping import swap
from activities.work_orders.working import complete_work, report_operation
from db.documents import WORK_ORDERS
from db.work_orders.writes import get_operation, operations_of, parts_of
from domain.access import Caller, Role
from domain.ids import ItemId, new_id
from domain.policy import Policy
from domain.work_orders.people import Assign, CreateTechnician
from domain.work_orders.requests import (
    AddOperation,
    AddPart,
    CompleteWork,
    CreateWorkOrder,
    InstallComponent,
    IssuedPart,
    IssueParts,
    RemoveComponent,
    ReportOperation,
    StartWork,
    SwapComponents,
)
from domain.work_orders.status import Outcome, Removed
from tests.shop import Shop
from tests.units import serials, stock_saws

PLANNER = Caller(subject="key:planner", role=Role.PLANNER)
TOMORROW = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)


async def planned(shop: Shop, serial: str, *parts: ItemId, minutes: int = 0, **given: Any) -> UUID:
    """Plan work of one step on a unit, which closes without a sign-off; one of each part."""
    work, code = new_id(), f"T-{new_id()}"
    asked = CreateWorkOrder(
        site="AUS",
        serial=serial,
        title="Does not start",
        operations=(AddOperation(name="Mend", planned_minutes=minutes),),
        parts=tuple(AddPart(item_id=item, quantity=1) for item in parts),
        **{"signoff_required": False, **given},
    )
    async with shop.books.begin() as db:
        await create_work_order(db, work, asked, actor="planner")
        await create_technician(
            db, new_id(), CreateTechnician(code=code, site="AUS"), actor="planner"
        )
        whom = Assign(technician=code, since=TOMORROW, until=TOMORROW + timedelta(hours=1))
        await assign(db, await WORK_ORDERS.lock(db, work), whom, actor="planner")
    return work


async def released(shop: Shop, *parts: ItemId, **given: Any) -> UUID:
    """Plan work on a new unit, and release it."""
    [serial] = serials(1)
    await stock_saws(shop, serial)
    work = await planned(shop, serial, *parts, **given)
    async with shop.books.begin() as db:
        await release_work_order(db, await WORK_ORDERS.lock(db, work), actor="planner")
    return work


async def begin(shop: Shop, work: UUID) -> None:
    """Release planned work, unless that is done, and start it."""
    async with shop.books.begin() as db:
        await release_work_order(db, await WORK_ORDERS.lock(db, work), actor="planner")
        await start_work(db, await WORK_ORDERS.lock(db, work), StartWork(), PLANNER)


async def begun(shop: Shop, serial: str, *parts: ItemId) -> UUID:
    """Plan work on a unit, release it, and start it."""
    work = await planned(shop, serial, *parts)
    await begin(shop, work)
    return work


async def put_in(
    db: AsyncConnection, work: UUID, component: str, remove: RemoveComponent | None = None
) -> None:
    """Issue a component for the first part that is not issued yet, and put it in on the left."""
    part = next(each for each in await parts_of(db, work) if not each.issued)
    moved = IssuedPart(part_id=part.id, quantity=1, serials=(component,))
    found = await WORK_ORDERS.lock(db, work)
    await issue_parts(db, found, IssueParts(parts=(moved,)), Policy(), actor="operator")
    install = InstallComponent(serial=component, position="left")
    await swap(db, found, SwapComponents(remove=remove, install=install), actor="operator")


async def take_out(
    db: AsyncConnection, work: UUID, component: str, to: Removed = Removed.QUARANTINE
) -> None:
    """Take a component out."""
    asked = SwapComponents(remove=RemoveComponent(serial=component, to=to))
    await swap(db, await WORK_ORDERS.lock(db, work), asked, actor="operator")


async def finish(shop: Shop, work: UUID, outcome: Outcome = Outcome.DONE) -> None:
    """Report the step, and complete the work, which closes it."""
    async with shop.books.begin() as db:
        found = await WORK_ORDERS.lock(db, work)
        [step] = await operations_of(db, work)
        operation = await get_operation(db, work, step.id)
        await report_operation(db, found, operation, ReportOperation(), actor="operator")
        found = await WORK_ORDERS.lock(db, work)
        await complete_work(db, found, CompleteWork(outcome=outcome), actor="operator")
