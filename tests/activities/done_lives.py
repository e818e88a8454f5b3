"""Random lives of work that is done: reported, timed, held, completed, rejected, signed off."""

import random
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.holds import lift, place
from activities.work_orders.timing import start_timer, stop_timer
from activities.work_orders.working import complete_work, reject, report_operation, sign_off
from db.work_orders.tables import WorkOrderRow
from db.work_orders.writes import get_operation
from domain.documents import Document, Kind
from domain.holds import HoldPlacement, HoldReason, HoldRelease
from domain.ids import new_id
from domain.policy import Policy
from domain.units import UnitStatus
from domain.work_orders.people import StartTimer, StopTimer
from domain.work_orders.requests import CompleteWork, RejectWork, ReportOperation
from domain.work_orders.status import OperationStatus, Outcome
from tests.activities.work_lives import Move, Work

POLICY = Policy()
ENDS = {
    Outcome.DONE: UnitStatus.IN_STOCK,
    Outcome.NO_FAULT_FOUND: UnitStatus.IN_STOCK,
    Outcome.UNREPAIRABLE: UnitStatus.QUARANTINED,
}


class DoneWork(Work):
    """Work that somebody does, and somebody else judges."""

    @property
    def moves(self) -> list[tuple[int, Move]]:
        """Return what may happen, with weights."""
        return [
            *super().moves,
            (6, self._report),
            (2, self._get_done),
            (2, self._time),
            (1, self._hold),
            (10, self._complete),
            (3, self._reject),
            (4, self._sign_off),
        ]

    async def _report(self, rng: random.Random) -> object:
        if (work := await self.one(rng, "in_progress")) is None:
            return None
        step = rng.choice(await self._steps(work))
        status = rng.choice((OperationStatus.DONE, OperationStatus.SKIPPED))
        await self._say(work, step, status)
        return status

    async def _steps(self, work: UUID) -> list[UUID]:
        query = "SELECT id FROM work_order_operations WHERE work_order_id = :id ORDER BY position"
        return [row["id"] for row in await self.shop.rows(query, id=work)]

    async def _say(self, work: UUID, step: UUID, status: OperationStatus) -> None:
        said = ReportOperation(status=status, note="as it should be")

        async def report(db: AsyncConnection, found: WorkOrderRow) -> None:
            operation = await get_operation(db, found.id, step)
            await report_operation(db, found, operation, said, actor="operator")

        await self.change(work, report)

    async def _get_done(self, rng: random.Random) -> object:
        """Report all steps, and need no more parts; what lies at the bench is in the way."""
        if (work := await self.one(rng, "in_progress")) is None:
            return None
        for part in await self.parts(work):
            await self.not_needed(work, part["id"])
        for step in await self._steps(work):
            await self._say(work, step, OperationStatus.DONE)
        return "done"

    async def _time(self, rng: random.Random) -> object:
        if (work := await self.one(rng, "in_progress", "completed")) is None:
            return None
        if rng.random() < 0.4:
            begins = StartTimer(technician=self.technician)
            await self.change(
                work, lambda db, found: start_timer(db, found, begins, POLICY, actor="operator")
            )
            return "begins"
        await self.stop(work)
        return "ends"

    async def stop(self, work: UUID) -> None:
        """Stop the timer that runs on a work order; raise IllegalMove without one."""
        ends = StopTimer(technician=self.technician)
        await self.change(work, lambda db, found: stop_timer(db, found, ends, actor="operator"))

    async def _hold(self, rng: random.Random) -> object:
        """Hold it, or go on with what is on hold."""
        if (work := await self.one(rng, "released", "in_progress", "completed")) is None:
            return None
        if await self.let_go(work):
            return "goes on"
        placement = HoldPlacement(
            document=Document(Kind.WORK_ORDER, work),
            hold_id=new_id(),
            reason=HoldReason.QUALITY,
            note="",
            actor="planner",
        )

        async def hold(db: AsyncConnection, found: WorkOrderRow) -> None:
            await place(db, found, placement)

        await self.change(work, hold)
        return "on hold"

    async def let_go(self, work: UUID) -> bool:
        """Release what holds a work order; say whether it was on hold."""
        query = "SELECT id FROM holds WHERE document_id = :id AND released_at IS NULL"
        held = await self.shop.rows(query, id=work)
        for each in held:
            asked = HoldRelease(
                document=Document(Kind.WORK_ORDER, work), hold_id=each["id"], actor="planner"
            )
            await self.change(work, lambda db, found, on=asked: lift(db, found, on, POLICY))
        return bool(held)

    async def _complete(self, rng: random.Random) -> object:
        if (work := await self.one(rng, "in_progress")) is None:
            return None
        said = CompleteWork(outcome=rng.choice(list(Outcome)))
        await self.change(work, lambda db, found: complete_work(db, found, said, actor="operator"))
        await self.came_back(work)
        return said.outcome

    async def _reject(self, rng: random.Random) -> object:
        if (work := await self.one(rng, "completed")) is None:
            return None
        why = RejectWork(reason="still loud")
        await self.change(work, lambda db, found: reject(db, found, why, actor="inspector"))
        return "once more"

    async def _sign_off(self, rng: random.Random) -> object:
        if (work := await self.one(rng, "completed")) is None:
            return None
        await self.change(work, lambda db, found: sign_off(db, found, actor="inspector"))
        await self.came_back(work)
        return "closed"

    async def came_back(self, work: UUID) -> None:
        """Remember where the unit of a closed work order should be."""
        query = "SELECT status, outcome FROM work_orders WHERE id = :id"
        [row] = await self.shop.rows(query, id=work)
        if row["status"] == "closed" and work in self.taken:
            self.taken.discard(work)
            self.at[self.works[work] or ""] = ENDS[Outcome(row["outcome"])]
