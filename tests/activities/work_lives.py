"""Random lives of work orders: planned, supplied, done, rejected and given up, two at once, too."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.work_orders.accepting import add_material, create_work_order
from activities.work_orders.releasing import cancel_work_order, release_work_order, start_work
from activities.work_orders.reserving import cancel_part
from activities.work_orders.staffing import assign, create_technician
from db.documents import WORK_ORDERS
from db.work_orders.tables import WorkOrderRow
from domain.access import Caller, Role
from domain.errors import DomainError
from domain.ids import new_id
from domain.policy import Policy
from domain.units import UnitStatus
from domain.work_orders.people import Assign, CreateTechnician
from domain.work_orders.requests import (
    AddOperation,
    AddPart,
    CancelPart,
    CancelWork,
    CreateWorkOrder,
    StartWork,
)
from domain.work_orders.status import UnitTo
from tests.activities.bench import Bench
from tests.shop import Shop
from tests.units import serials, sold_saws, stock_saws, unit

Move = Callable[[random.Random], Awaitable[object]]
Change = Callable[[AsyncConnection, WorkOrderRow], Awaitable[None]]

PLANNER = Caller(subject="key:planner", role=Role.PLANNER)
POLICY = Policy()
FIRST = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
WENT = {
    UnitTo.STOCK: UnitStatus.IN_STOCK,
    UnitTo.QUARANTINE: UnitStatus.QUARANTINED,
    UnitTo.SCRAP: UnitStatus.SCRAPPED,
}


class Work:
    """A few units, parts for them, and the work on them, with where each unit should be."""

    def __init__(self, bench: Bench, rng: random.Random) -> None:
        self.bench = bench
        self.rng = rng
        self.told: list[str] = []
        self.at: dict[str, UnitStatus] = {}
        """Where each unit should be, by its serial."""
        self.moved: Counter[str] = Counter()
        """How many screws left the shelves, and came to quarantine."""
        self.works: dict[UUID, str | None] = {}
        """The serial of the unit that each work is about, if it is about one."""
        self.taken: set[UUID] = set()
        """The works whose unit was taken from where it lay."""
        self.technician = f"T-{new_id()}"
        self.hours = 0

    @property
    def shop(self) -> Shop:
        return self.bench.shop

    async def begin(self) -> None:
        self.opening = self.rng.randint(2, 8)
        self.screws = await self.shop.item(AUS=self.opening)
        self.hinges = serials(4)
        self.hinge = await stock_saws(self.shop, *self.hinges)
        self.holders = serials(2)
        await stock_saws(self.shop, *self.holders)
        self.at = dict.fromkeys([*self.hinges, *self.holders], UnitStatus.IN_STOCK)
        if self.rng.random() < 0.4:
            theirs = serials(1)
            await sold_saws(self.bench, *theirs)
            self.holders += theirs
            self.at[theirs[0]] = UnitStatus.SOLD
        async with self.shop.books.begin() as db:
            who = CreateTechnician(code=self.technician, site="AUS")
            await create_technician(db, new_id(), who, actor="planner")

    @property
    def moves(self) -> list[tuple[int, Move]]:
        """Return what may happen, with weights."""
        return [
            (2, self._plan),
            (8, self._prepare),
            (8, self._start),
            (2, self._add_part),
            (2, self._cancel_part),
            (1, self._cancel),
        ]

    async def go_on(self) -> None:
        """Let one thing happen, or two at once."""
        weights = [weight for weight, _ in self.moves]
        for move in self.rng.choices([move for _, move in self.moves], weights, k=8):
            others = self.rng.choices([each for _, each in self.moves], weights)
            both = [move, *others] if self.rng.random() < 0.15 else [move]
            chances = [random.Random(self.rng.random()) for _ in both]
            if any(await asyncio.gather(*map(self._try, both, chances))):
                break

    async def _try(self, move: Move, rng: random.Random) -> bool:
        try:
            done = await move(rng)
        except DomainError as refusal:
            # What is refused changes nothing: the end of the life shows it.
            self.told.append(f"{move.__name__} refused: {refusal.detail}")
            return False
        if done is not None:
            self.told.append(f"{move.__name__}: {done}")
        return done is not None

    async def change(self, work: UUID, change: Change) -> None:
        """Do something to a work order under its lock, as a request would."""
        async with self.shop.books.begin() as db:
            await change(db, await WORK_ORDERS.lock(db, work))

    async def one(self, rng: random.Random, *statuses: str) -> UUID | None:
        """Return any of the works in these states."""
        query = "SELECT id FROM work_orders WHERE id = ANY(:ids) AND status = ANY(:statuses)"
        given = {"ids": list(self.works), "statuses": list(statuses)}
        found = await self.shop.rows(f"{query} ORDER BY id", **given)
        return rng.choice(found)["id"] if found else None

    async def parts(self, work: UUID) -> Sequence[Any]:
        """Return the parts of a work order, with how much is open and how much is out."""
        query = """SELECT id, item_id, planned - cancelled - issued + returned AS open,
            issued - returned AS out FROM work_order_parts WHERE work_order_id = :id ORDER BY id"""
        return await self.shop.rows(query, id=work)

    def _part(self, rng: random.Random) -> AddPart:
        item = rng.choice((self.screws, self.hinge))
        return AddPart(item_id=item, quantity=rng.randint(1, 3))

    async def _plan(self, rng: random.Random) -> object:
        if len(self.works) > 5:
            return None
        serial = rng.choice([*self.holders, *self.holders, *self.hinges, None])
        asked = CreateWorkOrder(
            site="AUS",
            serial=serial,
            item_id=None if serial else self.screws,
            title="Does not start",
            signoff_required=rng.choice((True, True, False)),
            operations=tuple(AddOperation(name=f"Step {n}") for n in range(rng.randint(1, 2))),
            parts=tuple(self._part(rng) for _ in range(rng.randint(0, 2))),
        )
        work = new_id()
        async with self.shop.books.begin() as db:
            await create_work_order(db, work, asked, actor="planner")
        self.works[work] = serial
        return f"on {serial}, {len(asked.parts)} parts"

    async def _prepare(self, rng: random.Random) -> object:
        """Plan somebody for it, and release it."""
        if (work := await self.one(rng, "planned")) is None:
            return None
        self.hours += 1
        since = FIRST + timedelta(hours=self.hours)
        whom = Assign(technician=self.technician, since=since, until=since + timedelta(hours=1))

        async def prepare(db: AsyncConnection, found: WorkOrderRow) -> None:
            await assign(db, found, whom, actor="planner")
            await release_work_order(db, await WORK_ORDERS.lock(db, work), actor="planner")

        await self.change(work, prepare)
        return "released"

    async def _start(self, rng: random.Random) -> object:
        if (work := await self.one(rng, "released")) is None:
            return None
        why = StartWork(override_reason=rng.choice(("", "the customer waits")))
        await self.change(work, lambda db, found: start_work(db, found, why, PLANNER))
        serial = self.works[work]
        if serial and self.at[serial] in (UnitStatus.IN_STOCK, UnitStatus.QUARANTINED):
            self.taken.add(work)
            self.at[serial] = UnitStatus.IN_REPAIR
        return serial or "in bulk"

    async def _add_part(self, rng: random.Random) -> object:
        if (work := await self.one(rng, "planned", "released", "in_progress")) is None:
            return None
        part = self._part(rng)
        await self.change(work, lambda db, found: add_material(db, found, part, actor="planner"))
        return part.quantity

    async def _cancel_part(self, rng: random.Random) -> object:
        work = await self.one(rng, "planned", "released", "in_progress")
        if work is None or not (parts := await self.parts(work)):
            return None
        await self.not_needed(work, rng.choice(parts)["id"])
        return "not needed"

    async def not_needed(self, work: UUID, part: UUID) -> None:
        """Cancel the rest of a part."""
        why = CancelPart(reason="one will do")
        await self.change(
            work, lambda db, found: cancel_part(db, found, part, why, actor="operator")
        )

    async def _cancel(self, rng: random.Random) -> object:
        """Give up what has no part at its bench; what has is given up by who moves parts."""
        if (work := await self.one(rng, "planned", "released")) is None:
            return None
        given_up = CancelWork(reason="too dear")
        await self.change(
            work, lambda db, found: cancel_work_order(db, found, given_up, actor="planner")
        )
        return "given up"

    async def units_are_where_they_should_be(self) -> None:
        found = {serial: (await unit(self.shop, serial))["status"] for serial in self.at}
        assert found == self.at
