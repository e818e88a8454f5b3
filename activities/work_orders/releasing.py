"""Work orders on their way: released, begun, and given up, with all that this settles."""

from collections import defaultdict
from decimal import Decimal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.work_orders.moving import bring_back, bring_in
from activities.work_orders.putting_back import at_bench, put_back
from activities.work_orders.reserving import reserve_parts
from activities.work_orders.staffing import missing_skills
from activities.work_orders.telling import go_on, refused, require_free, tell_source
from db.documents import WORK_ORDERS
from db.inventory.places import place_id
from db.inventory.posting import release
from db.inventory.units import UnitRow, UnitStep, lock_all, move_units
from db.outbox import add_messages, start_of
from db.tasks import cancel_tasks
from db.work_orders.people import find_running, free_staff, planned_for
from db.work_orders.supply import is_ready, lock_issued
from db.work_orders.tables import WorkOrderRow
from db.work_orders.writes import PartRead, operations_of, parts_of
from domain.access import Caller, Command
from domain.documents import Document, Kind
from domain.errors import Malformed, SkillMissing
from domain.inventory import LocationKind
from domain.quantities import plain
from domain.tasks import TaskKind
from domain.units import UnitEventKind, UnitStatus
from domain.work_orders.requests import CancelWork, LeftPart, StartWork
from domain.work_orders.status import LeftTo, WorkOrderStatus

S = WorkOrderStatus


async def release_work_order(db: AsyncConnection, found: WorkOrderRow, *, actor: str) -> None:
    """Let a locked planned work order be worked on: its parts are reserved, or waited for.

    Once is as good as twice. Raises IllegalMove without a step, and SkillMissing for who is planned
    and may not do a step on that day.
    """
    if found.status in (S.RELEASED, S.IN_PROGRESS):
        return
    if found.status == S.PLANNED and not await operations_of(db, found.id):
        raise refused(found, "it has no operation: say what is to be done")
    await require_free(db, found)
    gaps = await missing_skills(db, found.id)
    if gaps:
        raise SkillMissing("who is planned may not do all of it", gaps=gaps)
    await WORK_ORDERS.move(db, found, S.RELEASED, actor)
    ready = await reserve_parts(db, found)
    data = {"parts": len(await parts_of(db, found.id))}
    await WORK_ORDERS.add_event(db, found, "ready" if ready else "waiting", "system", data)
    await add_messages(db, start_of(Document(Kind.WORK_ORDER, found.id)))


async def start_work(
    db: AsyncConnection, found: WorkOrderRow, asked: StartWork, caller: Caller
) -> None:
    """Begin a locked released work order; its unit is taken from where it lies to the bench.

    Once is as good as twice. Raises IllegalMove while it is on hold, a step has no technician,
    or parts are missing and no planner says why it begins all the same (R2).
    """
    if found.status == S.IN_PROGRESS:
        return
    if found.status != S.RELEASED:
        raise refused(found, "what is released is started")
    await require_free(db, found)
    planned = {each.operation_id for each in await planned_for(db, found.id)}
    steps = [each for each in await operations_of(db, found.id) if each.status == "open"]
    alone = [each.name for each in steps if each.id not in planned and None not in planned]
    if alone:
        raise refused(found, f"no technician is assigned to {alone[0]}", missing=alone)
    override = asked.override_reason.strip()
    if not await is_ready(db, found.id):
        if not override:
            missing = [
                part.sku for part in await parts_of(db, found.id) if part.open > part.reserved
            ]
            raise refused(found, f"it waits for {', '.join(missing)}", missing=missing)
        caller.require(Command.WORK_ORDERS_PLAN)
    else:
        override = ""
    taken = await bring_in(db, found, caller.subject)
    data = {"override_reason": override} if override else {}
    await WORK_ORDERS.move(
        db,
        found,
        S.IN_PROGRESS,
        caller.subject,
        data,
        told_as="started",
        start_override=override,
        from_location_id=taken,
    )
    await go_on(db, found)


async def cancel_work_order(
    db: AsyncConnection, found: WorkOrderRow, asked: CancelWork, *, actor: str
) -> None:
    """Give up a locked work order: what it holds is free, what was issued goes where it is said.

    Once is as good as twice. Raises IllegalMove for what is done, or while a timer runs, and
    Malformed unless it is said of all that was issued, and of a unit taken from stock, where it
    goes.
    """
    if found.status == S.CANCELLED:
        return
    if found.status not in (S.PLANNED, S.RELEASED, S.IN_PROGRESS):
        raise refused(found, "what is done is not given up")
    if await find_running(db, found.id):
        raise refused(found, "a timer runs: stop it first")
    # Units are locked before what is counted.
    await lock_all(db, UnitRow.id == found.unit_id)
    await _settle_parts(db, found, asked, actor)
    moved = found.from_location_id is not None
    if moved and asked.unit_to is None:
        errors = [{"pointer": "/unit_to", "message": "say where it goes"}]
        raise Malformed("its unit was taken from stock", errors=errors)
    if moved and asked.unit_to is not None:
        await bring_back(db, found, asked.unit_to, actor)
    await release(db, found.id)
    await free_staff(db, found.id)
    await cancel_tasks(db, found.id, TaskKind.REJECTED_OFTEN, TaskKind.TIMER_STOPPED)
    data = {"reason": asked.reason}
    await WORK_ORDERS.move(db, found, S.CANCELLED, actor, data, cancel_reason=asked.reason)
    await tell_source(db, found)
    if found.status != S.PLANNED:
        await go_on(db, found)


async def _settle_parts(
    db: AsyncConnection, found: WorkOrderRow, asked: CancelWork, actor: str
) -> None:
    """Move all that was issued and is not installed to where it is said to go."""
    parts = {part.id: part for part in await parts_of(db, found.id)}
    lying = await lock_issued(db, found.id)
    said: defaultdict[UUID, Decimal] = defaultdict(Decimal)
    for at, left in enumerate(asked.parts):
        if left.part_id not in parts:
            errors = [{"pointer": f"/parts/{at}/part_id", "message": "no part of it"}]
            raise Malformed("the work order has no such part", errors=errors)
        said[left.part_id] += left.quantity
    for part in parts.values():
        serials = sum(1 for each in lying if each.part_id == part.id)
        due = Decimal(serials) if part.tracking == "serial" else part.issued - part.returned
        if said[part.id] != due:
            errors = [{"pointer": "/parts", "message": f"say what becomes of {plain(due)}"}]
            raise Malformed(f"{plain(due)} of {part.sku} were issued", errors=errors)
    for at, left in enumerate(asked.parts):
        await _settle_part(db, found, parts[left.part_id], left, at, actor)


async def _settle_part(
    db: AsyncConnection, found: WorkOrderRow, part: PartRead, left: LeftPart, at: int, actor: str
) -> None:
    if left.to is LeftTo.STOCK:
        await put_back(db, found, part, left, at, actor)
        return
    if left.serials:
        units = at_bench(await lock_issued(db, found.id), part, left.serials, at)
        await move_units(db, units, _used(found, part, actor))


def _used(found: WorkOrderRow, part: PartRead, actor: str) -> UnitStep:
    return UnitStep(
        kind=UnitEventKind.REMOVED,
        status=UnitStatus.SCRAPPED,
        location_id=place_id(LocationKind.LOSS),
        document_type=Kind.WORK_ORDER,
        document_id=found.id,
        line_id=part.id,
        reason="used",
        actor=actor,
    )
